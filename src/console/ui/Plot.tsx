/** A line over time. What it shows stands in a table beside it, for whoever cannot see it. */
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

interface PlotProps {
  readonly label: string;
  /** Seconds, in order. */
  readonly times: readonly number[];
  /** For the eye only: no amount is taken from here. */
  readonly values: readonly number[];
}

const HEIGHT_PX = 180;

/** A balance stays as it is until the next entry. */
const steps = UPlot.paths.stepped?.({ align: 1 });

export function Plot({ label, times, values }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const data = JSON.stringify([times, values]);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const { color } = getComputedStyle(element);
    const axis = { stroke: color, grid: { stroke: 'rgb(128 128 128 / 20%)' }, ticks: { show: false } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        axes: [axis, { ...axis, size: 80 }],
        series: [{}, { stroke: color, width: 2, fill: 'rgb(16 128 96 / 12%)', ...(steps && { paths: steps }) }],
      },
      JSON.parse(data) as UPlot.AlignedData,
      element,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [data]);
  return <div ref={place} className="plot" role="img" aria-label={label} />;
}
