// Loaded by path (the SDK requires it) in clients, workers and the workflow bundle: messages and stack traces of
// failures go through the codec too. CommonJS, because that require() must work in every Node and under Jest.
const { DefaultFailureConverter } = require('@temporalio/common');

/** As in src/temporal/rules/unsigned.ts, which this file cannot import. */
const UNSIGNED_FAILURE = 'Unsigned';

/**
 * What our processes throw carries its message encrypted, and here what it means too: a failure that does not, or means
 * something else than it did, is somebody else's, whatever it says. It also names the call that it answers, where it is an
 * activity's (src/temporal/workerSettings.ts), so that it answers no other.
 */
class SignedFailureConverter extends DefaultFailureConverter {
  errorToFailure(error, payloadConverter, context) {
    const failure = super.errorToFailure(error, payloadConverter, context);
    if (!failure.applicationFailureInfo) return failure;
    const attributes = payloadConverter.fromPayload(failure.encodedAttributes, context);
    const meaning = meaningOf(failure.applicationFailureInfo);
    const answerTo = error.answerTo ?? null;
    return { ...failure, encodedAttributes: payloadConverter.toPayload({ ...attributes, meaning, answerTo }, context) };
  }

  failureToError(failure, payloadConverter, context) {
    const error = super.failureToError(failure, payloadConverter, context);
    if (!failure.applicationFailureInfo) return error;
    const { encodedAttributes } = failure;
    // A payload that the codec could not authenticate is marked, and has no meaning.
    const attributes = encodedAttributes ? payloadConverter.fromPayload(encodedAttributes, context) : undefined;
    if (attributes?.meaning === meaningOf(failure.applicationFailureInfo)) error.answerTo = attributes.answerTo;
    else error.type = UNSIGNED_FAILURE;
    return error;
  }
}

/** In JSON, as payloads are: absent and null are the same on the wire. */
const meaningOf = ({ type, nonRetryable }) => JSON.stringify([type || null, Boolean(nonRetryable)]);

exports.failureConverter = new SignedFailureConverter({ encodeCommonAttributes: true });
