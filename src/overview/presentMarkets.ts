/** The figures of markets in the words of the API. */
import { formatMajor } from '../rules/money.ts';
import type { Circulation, MarketFigures } from './marketReads.ts';
import type { StateCount } from './rules/totals.ts';

function presentFigures(of: MarketFigures) {
  const { mode, currency, commitments, participants, users, resolutions, rollbacks } = of;
  const major = (minor: bigint | string) => formatMajor(BigInt(minor), currency);
  const [paid, house, creator] = [BigInt(of.paidMinor), BigInt(of.houseFeesMinor), BigInt(of.creatorFeesMinor)];
  return {
    livemode: mode === 'live',
    currency,
    commitments,
    staked: major(of.stakedMinor),
    participants,
    users,
    activeUsers: of.activeUsers,
    resolutions,
    rollbacks,
    paid: major(paid),
    fees: { total: major(house + creator), house: major(house), creator: major(creator) },
  };
}

/** What came of each day. */
export const presentDays = (figures: readonly MarketFigures[]) =>
  figures.filter(({ span }) => span === 'day').map((of) => ({ day: of.day, ...presentFigures(of) }));

/** Of all days; `pools`: what was staked and has not come to an end. Whoever was active on several days is active on each: today's stand here. */
export function presentEver(figures: readonly MarketFigures[]) {
  return figures
    .filter(({ span }) => span === 'ever')
    .map((of) => {
      const now = figures.find(
        ({ span, isToday, mode, currency }) => span === 'day' && isToday && mode === of.mode && currency === of.currency,
      );
      const open = BigInt(of.stakedMinor) - BigInt(of.paidMinor) - BigInt(of.houseFeesMinor) - BigInt(of.creatorFeesMinor);
      return { ...presentFigures(of), activeUsers: now?.activeUsers ?? 0, pools: formatMajor(open, of.currency) };
    });
}

export const presentCirculation = (rows: readonly Circulation[]) =>
  rows.map(({ mode, currency, holders, asOf, ...minor }) => {
    const major = (text: string | bigint) => formatMajor(BigInt(text), currency);
    const [available, reserved, pools] = [BigInt(minor.availableMinor), BigInt(minor.reservedMinor), BigInt(minor.poolsMinor)];
    return {
      livemode: mode === 'live',
      currency,
      holders,
      total: major(available + reserved + pools),
      available: major(available),
      reserved: major(reserved),
      pools: major(pools),
      owed: major(minor.owedMinor),
      asOf: asOf.toISOString(),
    };
  });

/** How many stand in each state, by the words of the machine. */
export const presentStates = (states: readonly StateCount[], flow: string) =>
  states
    .filter((each) => each.flow === flow)
    .map(({ mode, currency, state, count }) => ({ livemode: mode === 'live', currency, state, count }));
