// A figure with a reading: values at a position along x, found with the pointer or the arrow keys.
import { useContext, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Drawing, type Drawings, DrawingsContext } from './drawing.js';
import { type Key, saveFigure } from './save.js';

interface Props {
  /** What the figure shows, for those who do not see it. */
  label: string;
  /** What it is called as a file, without an ending; its label unless given. */
  name?: string;
  /** Its legend, which is not a part of it on the page, for a picture of its own. */
  keys?(drawings: Drawings): Key[];
  /** Draws it; called again when `of` or the width changes. */
  draw(drawings: Drawings, width: number): Drawing;
  /** What `draw` depends on. */
  of: readonly unknown[];
}

/** A reading's place on the page. */
interface Shown {
  index: number;
  /** Pixels from the left, as the figure is shown. */
  left: number;
}

/** Pixels between a reading and its line, and the edge of the window. */
const GAP = 12;

/** Pixels of a figure whose place on the page has no width yet. */
const DEFAULT_WIDTH = 640;

export function Chart({ label, name, keys, draw, of }: Props) {
  const drawings = useContext(DrawingsContext);
  const box = useRef<HTMLDivElement>(null);
  const values = useRef<HTMLDivElement>(null);
  const hint = useId();
  const [width, setWidth] = useState(0);
  const [drawing, setDrawing] = useState<Drawing>();
  const [shown, setShown] = useState<Shown>();

  // Drawn at once, not when the browser tells of the width: a picture of the page may be taken before that.
  useLayoutEffect(() => {
    setWidth(Math.floor(box.current!.getBoundingClientRect().width) || DEFAULT_WIDTH);
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry!.contentRect.width);
      // On paper the figure is scaled as it is: the printer does not wait for another.
      if (width && !matchMedia('print').matches) setWidth(width);
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (!drawings || !width) return;
    const drawn = draw(drawings, width);
    asImage(drawn.figure, label);
    box.current!.replaceChildren(drawn.figure);
    setDrawing(drawn);
    setShown(undefined);
  }, [drawings, width, label, ...of]);

  // On the right of its line, on the left where that is too narrow, and within the window in any case.
  useLayoutEffect(() => {
    if (!shown) return;
    const { left: frame } = box.current!.getBoundingClientRect();
    const { width: own } = values.current!.getBoundingClientRect();
    const room = document.documentElement.clientWidth - own - GAP;
    const right = frame + shown.left + GAP;
    const left = right <= room ? right : Math.max(Math.min(GAP, room), right - own - 2 * GAP);
    values.current!.style.left = `${left - frame}px`;
  }, [shown]);

  const reading = drawing?.reading;
  const show = (index: number) => {
    if (!reading?.xs.length) return;
    const nearest = Math.max(0, Math.min(reading.xs.length - 1, index));
    const left = (reading.pixel(reading.xs[nearest]!) / width) * box.current!.clientWidth;
    setShown({ index: nearest, left });
  };
  const point = (event: PointerEvent) => {
    if (!reading) return;
    const { left, width: seen } = box.current!.getBoundingClientRect();
    const at = ((event.clientX - left) / seen) * width;
    const distances = reading.xs.map((x) => Math.abs(reading.pixel(x) - at));
    show(distances.indexOf(Math.min(...distances)));
  };
  const press = (event: KeyboardEvent) => {
    if (!reading) return;
    const last = reading.xs.length - 1;
    const from = shown?.index ?? -1;
    const stride = event.shiftKey ? Math.ceil(last / 10) : 1;
    const to = {
      ArrowRight: shown ? from + stride : 0,
      ArrowLeft: shown ? from - stride : last,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === 'Escape') setShown(undefined);
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  };

  const x = shown && reading?.xs[shown.index];
  // A figure without a reading is an image, which needs no keys.
  const readable = reading && {
    role: 'application' as const,
    'aria-label': label,
    'aria-describedby': hint,
    tabIndex: 0,
    onKeyDown: press,
    onPointerMove: point,
    onPointerDown: point,
    onPointerLeave: () => setShown(undefined),
    onBlur: () => setShown(undefined),
  };
  const save = (form: 'svg' | 'png') => {
    const figure = drawing!.figure;
    if (figure instanceof SVGSVGElement)
      void saveFigure(name ?? label, form, figure, label, keys && drawings ? keys(drawings) : []);
  };
  return (
    <div class="chart-box">
      <div class="chart-frame" {...readable}>
        <div class="chart" ref={box} />
        {reading && (
          <p class="unseen" id={hint}>
            The left and right arrow keys read the values.
          </p>
        )}
        <div ref={values} role="status" class="reading" hidden={!shown}>
          {reading && x !== undefined && (
            <>
              <strong>{reading.title(x)}</strong>
              <ul>
                {reading.rows(x).map((row) => (
                  <li key={row.label}>
                    <i style={{ background: row.colour }} />
                    <span>{row.label}</span>
                    <b>{row.text}</b>
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
        {shown && <div class="crosshair" style={{ left: `${shown.left}px` }} />}
      </div>
      {drawing && (
        <p class="saves">
          {(['svg', 'png'] as const).map((form) => (
            <button
              type="button"
              key={form}
              aria-label={`Save as ${form.toUpperCase()}: ${label}`}
              onClick={() => save(form)}
            >
              {form.toUpperCase()}
            </button>
          ))}
        </p>
      )}
    </div>
  );
}

/** An image has a name of its own, and no parts that have one: what the library calls them is kept as data. */
function asImage(figure: Element, label: string): void {
  figure.setAttribute('role', 'img');
  figure.setAttribute('aria-label', label);
  for (const part of figure.querySelectorAll('[aria-label]')) {
    part.setAttribute('data-part', part.getAttribute('aria-label')!);
    part.removeAttribute('aria-label');
  }
}
