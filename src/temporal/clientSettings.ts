/** What every client shares, so that our workers believe it: how payloads are written, and what each says it is for. */
import type { ClientOptions, WorkflowClientInterceptor } from '@temporalio/client';
import { dataConverter } from './codec.ts';
import { sentFor } from './rules/sentFor.ts';

const sender: WorkflowClientInterceptor = {
  startWithDetails(input, next) {
    const { workflowType, options } = input;
    return next({ ...input, options: { ...options, args: sentFor('start', workflowType, options.args) } });
  },
  signal(input, next) {
    return next({ ...input, args: sentFor('signal', input.signalName, input.args) });
  },
  signalWithStart(input, next) {
    const { workflowType, signalName, signalArgs, options } = input;
    return next({
      ...input,
      signalArgs: sentFor('signal', signalName, signalArgs),
      options: { ...options, args: sentFor('start', workflowType, options.args) },
    });
  },
  startUpdate(input, next) {
    return next({ ...input, args: sentFor('update', input.updateName, input.args) });
  },
  startUpdateWithStart(input, next) {
    const { workflowType, updateName, updateArgs, workflowStartOptions } = input;
    return next({
      ...input,
      updateArgs: sentFor('update', updateName, updateArgs),
      workflowStartOptions: { ...workflowStartOptions, args: sentFor('start', workflowType, workflowStartOptions.args) },
    });
  },
};

/** For `new Client`. */
export function clientSettings(encryptionKeys: string): Pick<ClientOptions, 'dataConverter' | 'interceptors'> {
  return { dataConverter: dataConverter(encryptionKeys), interceptors: { workflow: [sender] } };
}
