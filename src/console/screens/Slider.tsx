/** Through the time of one subject, from change to change: what stood there then, somebody had before them when they decided. */
import { useId } from 'react';
import { Time } from '../ui/bits.tsx';

interface SliderProps {
  /** When it changed, in order. */
  readonly steps: readonly string[];
  /** What is shown; undefined: now. */
  readonly at: string | undefined;
  readonly onMove: (at: string | undefined) => void;
}

export function Slider({ steps, at, onMove }: SliderProps) {
  const id = useId();
  const places = [...new Set(steps)];
  // The last place is now: it follows what still comes.
  const shown =
    at === undefined
      ? places.length
      : Math.max(
          places.findLastIndex((each) => each <= at),
          0,
        );
  const move = (to: number): void => onMove(places[to]);
  return (
    <div className="slider">
      <label htmlFor={id}>{at === undefined ? 'As it is now' : <>As it was at {<Time at={at} />}</>}</label>
      <input
        id={id}
        type="range"
        min={0}
        max={places.length}
        value={shown}
        aria-valuetext={at ?? 'now'}
        onChange={(event) => move(Number(event.target.value))}
      />
      {at !== undefined && (
        <button type="button" onClick={() => onMove(undefined)}>
          Now
        </button>
      )}
    </div>
  );
}
