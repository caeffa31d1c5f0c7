/** A reporter of jest's: tells whoever started it of each test as it ends, one line of JSON each (cluster/endToEnd.ts). */
export interface TestLine {
  readonly status: string;
  readonly name: string;
  readonly ms: number;
  readonly failures: readonly string[];
}

interface CaseResult {
  readonly status: string;
  readonly fullName: string;
  readonly duration?: number | null;
  readonly failureMessages: readonly string[];
}

interface FileResult {
  readonly testExecError?: { readonly message?: string; readonly stack?: string };
}

export default class TestReporter {
  onTestCaseResult(_file: unknown, { status, fullName, duration, failureMessages }: CaseResult): void {
    this.#tell({ status, name: fullName, ms: duration ?? 0, failures: failureMessages });
  }

  /** A file that could not even begin. */
  onTestResult({ path }: { path: string }, { testExecError }: FileResult): void {
    if (!testExecError) return;
    this.#tell({
      status: 'failed',
      name: path,
      ms: 0,
      failures: [testExecError.stack ?? testExecError.message ?? 'no reason given'],
    });
  }

  #tell(line: TestLine): void {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}
