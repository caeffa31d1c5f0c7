/** Where a payee is paid, as a client says it: a UPI id, or an account at an Indian bank. */

export interface PayeeFault {
  readonly pointer: string;
  readonly code:
    | 'missing'
    | 'invalid_type'
    | 'unknown_type'
    | 'unknown_field'
    | 'invalid_upi_id'
    | 'invalid_bank_code'
    | 'invalid_account_number'
    | 'invalid_account_title';
  readonly detail: string;
}

export type PayeeDetails =
  | { readonly type: 'upi'; readonly upiId: string }
  | { readonly type: 'bank'; readonly bankCode: string; readonly accountNumber: string; readonly accountTitle: string };

/** NPCI: a name of 2 to 256 letters, digits, dots, dashes or underscores, and the handle of the bank's app. */
const UPI_ID = /^[a-zA-Z0-9._-]{2,256}@[a-zA-Z][a-zA-Z0-9]{1,63}$/;
/** An IFSC (RBI: four letters of the bank, a zero, six of the branch), or a bank's own short code. */
const BANK_CODE = /^[A-Z]{4}0[A-Z0-9]{6}$|^[A-Z0-9]{2,11}$/;
/** Indian banks: 9 to 18 digits. */
const ACCOUNT_NUMBER = /^[0-9]{9,18}$/;
/** A name as banks print it: no line ends, nothing that runs backwards. */
const ACCOUNT_TITLE = /^[\p{L}\p{M}\p{N} .,'&()/-]{1,100}$/u;

const RULES = {
  upi: { upiId: [UPI_ID, 'invalid_upi_id', 'A UPI id is name@bank.'] },
  bank: {
    bankCode: [BANK_CODE, 'invalid_bank_code', 'An IFSC such as HDFC0001234, or the bank’s short code.'],
    accountNumber: [ACCOUNT_NUMBER, 'invalid_account_number', 'An Indian account number has 9 to 18 digits, as a string.'],
    accountTitle: [ACCOUNT_TITLE, 'invalid_account_title', 'The name on the account, 1 to 100 characters.'],
  },
} as const satisfies Record<string, Record<string, readonly [RegExp, PayeeFault['code'], string]>>;

/** Every fault at once. */
export function readPayee(said: unknown): { readonly payee: PayeeDetails } | { readonly faults: readonly PayeeFault[] } {
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    return {
      faults: [{ pointer: '/payee', code: said === undefined ? 'missing' : 'invalid_type', detail: 'Must be an object.' }],
    };
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(said));
  const type = given.get('type');
  if (type !== 'upi' && type !== 'bank')
    return {
      faults: [{ pointer: '/payee/type', code: type === undefined ? 'missing' : 'unknown_type', detail: 'Must be upi or bank.' }],
    };
  const rules = new Map<string, readonly [RegExp, PayeeFault['code'], string]>(Object.entries(RULES[type]));
  const faults = [
    ...[...given.keys()].filter((name) => name !== 'type' && !rules.has(name)).map((name) => unknownField(name)),
    ...[...rules].flatMap(([name, rule]) => faultOf(name, given.get(name), rule)),
  ];
  return faults.length > 0
    ? { faults }
    : { payee: { type, ...Object.fromEntries([...rules.keys()].map((name) => [name, given.get(name)])) } as PayeeDetails };
}

const unknownField = (name: string): PayeeFault => ({
  pointer: `/payee/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  code: 'unknown_field',
  detail: 'There is no such field.',
});

function faultOf(
  name: string,
  value: unknown,
  [form, code, detail]: readonly [RegExp, PayeeFault['code'], string],
): PayeeFault[] {
  if (typeof value === 'string' && form.test(value)) return [];
  return [
    {
      pointer: `/payee/${name}`,
      code: value === undefined ? 'missing' : typeof value === 'string' ? code : 'invalid_type',
      detail,
    },
  ];
}
