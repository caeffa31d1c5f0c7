/** Settling a game, or giving the stakes of a void one back: step by step, each a transaction. All of it may be done again. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { GameState } from '../../src/games/rules/machine.ts';

/** Users a step: some 1,500 entries in a tenth of a second, so that whoever follows events is not held back. */
const STEP = 500;

export interface GameSettlementPorts {
  readonly pool: Pool;
  /** After each step: events were written, and what they send is due. */
  readonly onWritten?: () => void;
  /** Users a step. */
  readonly step?: number;
}

export type GameSettlementActivities = ReturnType<typeof createGameSettlementActivities>;

interface Stepped {
  readonly outcome: 'done' | 'stopped';
  /** Who owes, and must be settled alone. */
  readonly apart?: readonly string[];
}

/** Which function does it in which state; in any other there is nothing to do. */
const STEPS: Readonly<Partial<Record<GameState, string>>> = { SETTLING: 'settle_users', VOIDING: 'void_users' };

const LEFT = `
  SELECT p.user_id FROM game_players p
   WHERE p.game_id = $1 AND p.state = ANY ($2) AND p.failure IS NULL AND p.user_id > $3 ORDER BY p.user_id LIMIT $4`;
const LEFT_IN: Readonly<Record<string, readonly string[]>> = { settle_users: ['playing'], void_users: ['playing', 'settled'] };

export function createGameSettlementActivities({ pool, onWritten = () => undefined, step = STEP }: GameSettlementPorts) {
  async function stateOf(gameId: string): Promise<GameState | undefined> {
    const { rows } = await pool.query<{ state: GameState }>('SELECT state FROM games WHERE id = $1', [gameId]);
    return rows[0]?.state;
  }

  async function call(name: string, gameId: string, users: readonly string[]): Promise<Stepped> {
    const text = `SELECT ${name}($1, $2) AS answer`;
    const { rows } = await pool.query<{ answer: Stepped }>({ name, text, values: [gameId, users] });
    onWritten();
    if (!rows[0]) throw new Error(`no answer from ${name}`);
    return rows[0].answer;
  }

  /** One by one: who still fails is written down, and keeps nobody else waiting. */
  async function alone(name: string, gameId: string, users: readonly string[]): Promise<void> {
    for (const user of users) {
      heartbeat(user);
      try {
        await call(name, gameId, [user]);
      } catch (error) {
        if (!isTheirs(error)) throw error;
        log.error('a player could not be settled', { gameId, userId: user, error: String(error) });
        await pool.query('SELECT fail_player($1, $2, $3)', [gameId, user, 'internal_error']);
      }
    }
  }

  async function together(name: string, gameId: string, users: readonly string[]): Promise<void> {
    try {
      const { apart = [] } = await call(name, gameId, users);
      await alone(name, gameId, apart);
    } catch (error) {
      if (!isTheirs(error) && codeOf(error) !== TOO_SLOW) throw error;
      log.warn('players could not be settled together', { gameId, users: users.length, error: String(error) });
      await alone(name, gameId, users);
    }
  }

  return {
    async settleGame({ gameId }: { gameId: string }): Promise<void> {
      for (;;) {
        const name = STEPS[(await stateOf(gameId)) ?? 'SETTLED'];
        if (name === undefined) return;
        for (let after = ''; ; ) {
          const { rows } = await pool.query<{ user_id: string }>(LEFT, [gameId, LEFT_IN[name], after, step]);
          const users = rows.map(({ user_id }) => user_id);
          if (users.length > 0) await together(name, gameId, users);
          heartbeat(after);
          after = users.at(-1) ?? '';
          if (users.length < step) break;
        }
        await pool.query('SELECT end_game($1)', [gameId]);
        onWritten();
      }
    },
  };
}

/** A step that takes longer than a statement may would take as long again: fewer at once do not. */
const TOO_SLOW = '57014';

/**
 * Does the error belong to what was asked, so that others may fare better? What is of the database or of the moment (away, full,
 * ended, a deadlock, a time limit) is not, and the whole is tried again: classes 08, 25, 40, 53, 55, 57 and 58 of PostgreSQL's codes,
 * and whatever has no code of five letters.
 */
function isTheirs(error: unknown): boolean {
  const code = codeOf(error);
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^(08|25|40|53|55|57|58)/.test(code);
}

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
