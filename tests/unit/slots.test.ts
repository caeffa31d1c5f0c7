/** Ten tasks that never end hold all slots, and the worker still polls and beats: somebody must say that nothing moves. */
import { expect, test } from '@jest/globals';
import { readSlots, type Slots, slotJudge } from '../../src/worker/slots.ts';

const METRICS = `# HELP temporal_worker_task_slots_available Current number of slots available per task type
temporal_worker_task_slots_available{namespace="default",service_name="temporal-core-sdk",task_queue="payouts",worker_type="WorkflowWorker"} 0
temporal_worker_task_slots_available{namespace="default",service_name="temporal-core-sdk",task_queue="payouts",worker_type="ActivityWorker"} 100
temporal_worker_task_slots_available{namespace="default",service_name="temporal-core-sdk",task_queue="payouts",worker_type="LocalActivityWorker"} 3
temporal_worker_task_slots_used{namespace="default",task_queue="payouts",worker_type="WorkflowWorker"} 10
`;
const total = () => ({ done: 7, failed: 5 });

test('what the SDK says of its slots is read, and what counts as an end', () => {
  expect(readSlots(METRICS, { total })).toEqual([
    { queue: 'payouts', kind: 'WorkflowWorker', free: 0, ended: 7 },
    { queue: 'payouts', kind: 'ActivityWorker', free: 100, ended: 12 },
  ]);
});

const workflows = (change: Partial<Slots> = {}): readonly Slots[] => [
  { queue: 'payouts', kind: 'WorkflowWorker', free: 0, ended: 7, ...change },
];

test('all slots held and nothing done for twenty seconds is stuck; until then it is only busy', () => {
  const judge = slotJudge();
  expect(judge(workflows(), 0)).toEqual([]);
  expect(judge(workflows(), 19_999)).toEqual([]);
  expect(judge(workflows(), 20_000)).toEqual(['payouts/WorkflowWorker']);
  expect(judge(workflows(), 60_000)).toEqual(['payouts/WorkflowWorker']);
});

test('one step that is done, or one slot that is free, is progress', () => {
  const judge = slotJudge();
  judge(workflows(), 0);
  expect(judge(workflows({ ended: 8 }), 25_000)).toEqual([]);
  expect(judge(workflows({ ended: 8, free: 1 }), 40_000)).toEqual([]);
  expect(judge(workflows({ ended: 8 }), 59_000)).toEqual([]);
  expect(judge(workflows({ ended: 8 }), 60_000)).toEqual(['payouts/WorkflowWorker']);
});

test('activities may be at it for as long as a PSP takes', () => {
  const judge = slotJudge();
  const calls = workflows({ kind: 'ActivityWorker' });
  judge(calls, 0);
  expect([judge(calls, 59_000), judge(calls, 60_000)]).toEqual([[], ['payouts/ActivityWorker']]);
});
