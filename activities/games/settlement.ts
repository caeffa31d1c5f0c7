/** Settling a game, or giving the stakes of a void one back: step by step, each a transaction. All of it may be done again. */
import type { Pool } from 'pg';
import { failpoint } from '../../src/failpoints.ts';
import type { GameState } from '../../src/games/rules/machine.ts';
import { type SettleStep, type Stepped, settlePlayers } from '../../src/ledger/settlements.ts';
import { whileBeating } from '../beating.ts';
import { walk } from '../walk.ts';

/** Several within the heartbeat timeout of 10 s, whatever a step takes. */
const BEAT_MS = 2_000;

export interface GameSettlementPorts {
  readonly pool: Pool;
  /** After each step: events were written, and what they send is due. */
  readonly onWritten?: () => void;
  /** Users a step, at most: of 500 some 1,500 entries in a tenth of a second; where the machine is slower, fewer (walk.ts). */
  readonly step: number;
}

export type GameSettlementActivities = ReturnType<typeof createGameSettlementActivities>;

/** Whether it went on, or a pause holds. */
type Went = 'on' | 'paused';

/** Which function does it in which state; in any other there is nothing to do. */
const STEPS: Readonly<Partial<Record<GameState, SettleStep>>> = { SETTLING: 'settle_users', VOIDING: 'void_users' };

const LEFT = `
  SELECT p.user_id FROM game_players p
   WHERE p.game_id = $1 AND p.state = ANY ($2) AND p.failure IS NULL AND p.user_id > $3`;
const LEFT_IN: Readonly<Record<SettleStep, readonly string[]>> = {
  settle_users: ['playing'],
  void_users: ['playing', 'settled'],
};

/** Who goes first. Of a void those from whom the bank gets as much as it gives, so that it has that for the others. */
const ROUNDS: Readonly<Record<SettleStep, readonly string[]>> = {
  settle_users: ['true'],
  void_users: ["(p.state = 'playing' OR p.payout >= p.total_bet)", 'true'],
};

export function createGameSettlementActivities({ pool, onWritten = () => undefined, step }: GameSettlementPorts) {
  async function stateOf(gameId: string): Promise<GameState | undefined> {
    const { rows } = await pool.query<{ state: GameState }>('SELECT state FROM games WHERE id = $1', [gameId]);
    return rows[0]?.state;
  }

  async function call(name: SettleStep, gameId: string, users: readonly string[]): Promise<Stepped> {
    const answer = await settlePlayers(pool, name, gameId, users);
    onWritten();
    await failpoint('game_step.after', gameId);
    return answer;
  }

  /** Everybody of whom something is left to be done in the game's state. */
  async function walkPlayers(name: SettleStep, gameId: string): Promise<Went> {
    let isPaused = false;
    for (const round of ROUNDS[name]) {
      const text = `${LEFT} AND ${round} ORDER BY p.user_id LIMIT $4`;
      await walk({
        about: { gameId },
        step,
        async left(after, most) {
          const { rows } = await pool.query<{ user_id: string }>(text, [gameId, LEFT_IN[name], after, most]);
          return rows.map(({ user_id }) => user_id);
        },
        async call(users) {
          const answer = await call(name, gameId, users);
          isPaused ||= answer.outcome === 'paused';
          return answer;
        },
        isOver: () => isPaused,
        fail: (user) => pool.query('SELECT fail_player($1, $2, $3)', [gameId, user, 'internal_error']),
      });
      if (isPaused) return 'paused';
    }
    return 'on';
  }

  /**
   * Until the game is over: what somebody asks for meanwhile (a void, a retry) is done, too. Paused, it is left as it stands: the
   * look after games takes it up when no pause holds any more.
   */
  async function settle(gameId: string): Promise<void> {
    for (;;) {
      const name = STEPS[(await stateOf(gameId)) ?? 'SETTLED'];
      if (name === undefined) return;
      if ((await walkPlayers(name, gameId)) === 'paused') return;
      await failpoint('game_end.before', gameId);
      await pool.query('SELECT end_game($1)', [gameId]);
      onWritten();
      await failpoint('game_end.after', gameId);
    }
  }

  return {
    settleGame: ({ gameId }: { gameId: string }): Promise<void> => whileBeating(BEAT_MS, () => settle(gameId)),
  };
}
