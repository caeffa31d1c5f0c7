/**
 * What a flow brings to chaos, one file each in `scenarios/`: how what it does may go and must end, where it may be while
 * somebody is killed, and the people and banks who play it. Whoever holds, kills, watches and judges knows only this.
 */
import type { Transfer } from '../harness/simulatorControl.ts';
import type { Failpoint } from '../src/failpoints.ts';
import type { EntryRow, EventRow, NoticeRow } from './books.ts';
import type { Asked } from './insist.ts';
import type { Webhook } from './merchantServer.ts';
import type { Overlap, PspName } from './psp.ts';
import type { Random } from './random.ts';
import type { Site } from './site.ts';
import type { FlowWorkflow } from './workflows.ts';

/** `in_psp_call`: the PSP's book has it and we do not know. `in_webhook`: the merchant has the request and has not answered. */
export type Boundary = Failpoint | 'in_psp_call' | 'in_webhook';

/** What somebody else does to a subject once it is there. */
export interface Step {
  /** Its stage then. */
  readonly when: string;
  /** Only at this attempt. */
  readonly attempt?: number;
  readonly does: string;
  /** How it ends if this came too late. */
  readonly refused?: string;
}

/** One way in which PSPs and people behave towards a subject, and how it must end whoever is killed meanwhile. */
export interface Behaviour {
  readonly name: string;
  /** One after the other. */
  readonly steps: readonly Step[];
  /** One of the scenario's `ends`. */
  readonly ends: string;
  /** Ends that its customer may see followed by another one; by anything, where somebody starts it again. */
  readonly undoes?: readonly (readonly [from: string, to?: string])[];
}

/** What is asked for. */
export interface Order extends Asked {
  readonly behaviour: Behaviour;
}

/** A subject as the books have it. */
export interface Seen {
  readonly id: string;
  /** Its state, or a finer place than that where a behaviour tells them apart. */
  readonly stage: string;
  readonly attempt: number;
  readonly sequence: number;
  readonly needsOperator: boolean;
}

export interface Subject<O extends Order = Order> {
  readonly id: string;
  readonly order: O;
}

/** One that is under way. */
export interface Watched<O extends Order = Order> extends Subject<O> {
  readonly seen: Seen | undefined;
  /** What somebody has still to do to it. */
  readonly next: O['behaviour']['steps'][number] | undefined;
}

/** One that was taken in. */
export interface Made<O extends Order = Order> extends Subject<O> {
  readonly cast: Cast;
  /** As its behaviour says, unless somebody's deed came too late. */
  readonly ends: string;
}

/** `payoutId` (of any subject) null: of the installation as a whole. */
export interface Finding {
  readonly payoutId: string | null;
  readonly what: string;
}

type BySubject<T> = ReadonlyMap<string, readonly T[]>;

/** What all who were there say, by subject. */
export interface Evidence {
  readonly events: BySubject<EventRow>;
  readonly entries: BySubject<EntryRow>;
  readonly notices: BySubject<NoticeRow>;
  readonly webhooks: BySubject<Webhook>;
  readonly transfers: Readonly<Record<PspName, BySubject<Transfer>>>;
  readonly overlaps: BySubject<Overlap>;
  /** Ids of the notices that were sent. */
  readonly mails: ReadonlySet<string>;
  /** False where the victim can take a request down with it that the PSP has counted: its own database. */
  readonly countsRequests: boolean;
}

/** A place where a scenario's subjects are held. */
export interface Stop<B extends Behaviour = Behaviour> {
  /** Whose way leads here. */
  comes(behaviour: B): boolean;
  /** How long whoever came first waits for the others. Below every timeout that it would trip. */
  readonly holdMs?: number;
  /** Only those that have ended: of what is told of them, the end is what to disturb. */
  readonly onlyEnded?: boolean;
  /** Of the installation in which it is played. */
  readonly settings?: Readonly<Record<string, string>>;
}

export type Stops<B extends Behaviour = Behaviour> = Readonly<Partial<Record<Boundary, Stop<B>>>>;

/**
 * A flow, as data. What takes an order or a behaviour is a method, so that one list can hold the scenarios of different
 * ones: each only ever gets its own back.
 */
export interface Scenario<O extends Order = Order> {
  /** Of `--flow`, and of its cells. */
  readonly name: string;
  readonly title: string;
  readonly behaviours: readonly O['behaviour'][];
  /** In the order of a subject's life. */
  readonly boundaries: Stops<O['behaviour']>;
  /** Its final stages, each in the words in which its customer reads it. */
  readonly ends: Readonly<Record<string, string>>;
  /** The types of events that tell an end. */
  readonly tellsEnd: readonly string[];
  /** The types of events of which nobody is told. */
  readonly timelineOnly: readonly string[];
  /** What it starts in Temporal, itself or by what it tells. */
  readonly workflows: readonly FlowWorkflow[];
  /** Of every installation: short waits, so that a round takes seconds. */
  readonly settings: Readonly<Record<string, string>>;
  /** Furnishes an installation for it. */
  open(site: Site): Promise<Cast<O>>;
}

/** Those who play a scenario in one installation: its customers, admins and banks, and who judges it. */
export interface Cast<O extends Order = Order> {
  readonly scenario: Scenario<O>;
  /** Draws what is asked for, at once, so that a seed replays it; what this returns then makes it ready to be asked for. */
  draw(behaviour: O['behaviour'], random: Random, at?: Boundary): () => Promise<O>;
  see(ids: readonly string[]): Promise<readonly Seen[]>;
  /** @throws where it is not clear whether it was done: then do it again. */
  act(subject: Subject<O>, step: O['behaviour']['steps'][number]): Promise<'done' | 'refused'>;
  /** Whether whoever has to do this would do it by now; true where it is not said. */
  isTime?(subject: Subject<O>, step: O['behaviour']['steps'][number]): boolean;
  /** What people do about all of them together, again and again: look, and start what nobody does for a single one. */
  attend(open: readonly Watched<O>[], isAsking: boolean): Promise<void>;
  /** Of a part of a subject that has come to a place: whose it is. Without it each is there for itself. */
  subjectOf?(id: string): Promise<string>;
  /** For `in_psp_call`: whose request the PSP has, and has not answered. */
  inPspCall?(stageOf: (id: string) => string | undefined): Promise<readonly string[]>;
  judge(made: Made<O>, seen: Seen | undefined, evidence: Evidence): Promise<readonly string[]>;
  /** What must hold of the installation, once all have ended. */
  judgeWhole?(): Promise<readonly string[]>;
}
