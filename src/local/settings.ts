/**
 * What `npm start` sets: waits for a try-out, a retry in seconds, an unknown outcome cleared up within a minute. The
 * user's own settings win.
 */
export const LOCAL_SETTINGS = {
  REVIEW_WINDOW: '24h',
  RETRY_WAIT: '2s',
  RETRY_WAIT_MAX: '5s',
  FIRST_LOOK_UP: '2s',
  LOOK_UP_MAX: '10s',
  PSP_TIMEOUT: '5s',
  PSP_NOT_FOUND_GRACE: '12s',
  OUTCOME_DEADLINE: '60s',
  WEBHOOK_ALLOW_LOOPBACK_TEST: 'true',
};
