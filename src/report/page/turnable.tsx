// A body that can be turned, with the pointer or the arrow keys.
import { useContext, useEffect, useId, useRef, useState } from 'preact/hooks';
import { DrawingsContext, type SurfaceDrawing, type View } from './drawing.js';

interface Props {
  /** What the body is, for those who do not see it. */
  label: string;
  draw(drawings: SurfaceDrawing, view: View, width: number): Element;
  /** What `draw` depends on. */
  of: readonly unknown[];
  view: View;
  turn(view: View): void;
}

export const FIRST_VIEW: View = { yaw: 0.6, pitch: 0.75 };

/** Radians a pixel, and a stroke of a key. */
const PER_PIXEL = 0.01;
const PER_KEY = 0.1;

const held = (pitch: number) => Math.max(0.05, Math.min(Math.PI / 2, pitch));

export function Turnable({ label, draw, of, view, turn }: Props) {
  const drawings = useContext(DrawingsContext);
  const box = useRef<HTMLDivElement>(null);
  const hint = useId();
  const [width, setWidth] = useState(0);
  const from = useRef<{ x: number; y: number } | undefined>(undefined);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      if (!matchMedia('print').matches) setWidth(Math.floor(entry!.contentRect.width));
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!drawings || !width) return;
    const figure = draw(drawings, view, width);
    figure.setAttribute('role', 'img');
    figure.setAttribute('aria-label', label);
    box.current!.replaceChildren(figure);
  }, [drawings, width, label, view.yaw, view.pitch, ...of]);

  const by = (yaw: number, pitch: number) => turn({ yaw: view.yaw + yaw, pitch: held(view.pitch + pitch) });
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    by(PER_KEY * step[0]!, PER_KEY * step[1]!);
  };
  const grasp = (event: PointerEvent) => {
    from.current = { x: event.clientX, y: event.clientY };
    box.current!.setPointerCapture(event.pointerId);
  };
  const drag = (event: PointerEvent) => {
    if (!from.current) return;
    const { x, y } = from.current;
    from.current = { x: event.clientX, y: event.clientY };
    by(PER_PIXEL * (event.clientX - x), PER_PIXEL * (event.clientY - y));
  };
  const release = () => {
    from.current = undefined;
  };
  return (
    <div
      class="chart-frame turnable"
      role="application"
      aria-label={label}
      aria-describedby={hint}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys turn it
      tabIndex={0}
      onKeyDown={press}
      onPointerDown={grasp}
      onPointerMove={drag}
      onPointerUp={release}
      onPointerCancel={release}
    >
      <div class="chart" ref={box} />
      <p class="unseen" id={hint}>
        The arrow keys turn it.
      </p>
    </div>
  );
}
