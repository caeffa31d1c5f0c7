/** Something outside of us does not answer, or takes nothing now: it passes, and what was asked is asked again. */
export abstract class Away extends Error {
  /** What it is, for whoever is told of it. */
  abstract readonly what: string;
}
