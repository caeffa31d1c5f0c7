// Loaded by path (the SDK requires it) in clients, workers and the workflow bundle: messages and stack traces of
// failures go through the codec too. CommonJS, because that require() must work in every Node and under Jest.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
