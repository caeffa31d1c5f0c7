/** Ids that follow from others: the same for ever. */

/** `dis_`, the resolution's digits and the user's: the same for ever. */
export const distributionId = (resolutionId: string, userId: string): string => `dis_${resolutionId.slice(4)}_${userId.slice(4)}`;

/** Takes a distribution's id apart, or undefined where it is none. */
export function parseDistributionId(text: string): { readonly resolutionId: string; readonly userId: string } | undefined {
  const match = /^dis_([0-9a-f]{32})_([0-9a-f]{32})$/.exec(text);
  if (!match) return undefined;
  const [, resolution = '', user = ''] = match;
  return { resolutionId: `res_${resolution}`, userId: `usr_${user}` };
}

/** One resolution of a market: found again by the two. */
export const resolutionWorkflowId = (marketId: string, run: number): string => `market-resolution/${marketId}/${run}`;
