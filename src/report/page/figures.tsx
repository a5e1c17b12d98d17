// Accuracy against noise, and what happens during training.
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { CurveQuantity, FolderData, MethodData, PageData } from '../page_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Download } from './download.js';
import { type CurveLine, type Drawings, DrawingsContext } from './drawing.js';
import { csv } from './format.js';

const QUANTITIES: { quantity: CurveQuantity; title: string; about: string }[] = [
  { quantity: 'testAccuracy', title: 'Test accuracy', about: 'on the clean test images, %' },
  {
    quantity: 'wrongLabelsFitted',
    title: 'Memorised wrong labels',
    about: 'of the wrongly labelled images, % predicted as that wrong label',
  },
  {
    quantity: 'trueLabelsRecovered',
    title: 'Accuracy on mislabelled images',
    about: 'of the wrongly labelled images, % predicted as their true class',
  },
];

/** What all folders of the page have, in the order of the first that has it. */
function union<T>(
  folders: readonly FolderData[],
  of: (folder: FolderData) => readonly T[],
  key: (item: T) => string,
): T[] {
  return [...new Map(folders.flatMap(of).map((item) => [key(item), item] as const)).values()];
}

/** More lines than these are not told apart. */
const MOST_LINES = 8;

/** Of many variants of methods, those that a figure begins without: all but the best of each method. */
function crowded({ folders }: PageData): Set<string> {
  const methods = union(
    folders,
    (f) => f.methods,
    (m) => m.name,
  );
  if (methods.length <= MOST_LINES) return new Set();
  const sum = (name: string) =>
    folders
      .flatMap(({ cells }) => cells.filter((c) => c.method === name))
      .reduce((all, c) => all + (c.mean ?? 0), 0);
  const best = new Map<string, string>();
  for (const { name, base } of methods)
    if (!best.has(base) || sum(name) > sum(best.get(base)!)) best.set(base, name);
  return new Set(methods.filter(({ name, base }) => best.get(base) !== name).map(({ name }) => name));
}

export function Figures({ data }: { data: PageData }) {
  const { folders } = data;
  const methods = union(
    folders,
    (f) => f.methods,
    (m) => m.name,
  ).sort((a, b) => a.style - b.style);
  const noiseSettings = union(
    folders,
    (f) => f.noiseSettings,
    (c) => c.label,
  );
  const [hidden, setHidden] = useState<ReadonlySet<string>>(() => crowded(data));
  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  const [chosen, setChosen] = useState<string>();
  const middle = noiseSettings[Math.floor((noiseSettings.length - 1) / 2)]!.label;
  const noiseSetting = noiseSettings.some(({ label }) => label === chosen) ? chosen! : middle;
  const visible = methods.filter(({ name }) => !hidden.has(name));
  const legend = <Legend methods={methods} hidden={hidden} toggle={toggle} />;
  const many = folders.length > 1;
  return (
    <>
      <section id="accuracy">
        <h2>Accuracy against noise</h2>
        {many ? (
          <Comparison folders={folders} methods={methods} />
        ) : (
          <div class="card">
            {legend}
            <Chart
              label={`Clean-test accuracy against noise, one line for each of ${methods.length} methods`}
              of={[folders, hidden]}
              draw={(drawings, width) => drawings.accuracy(visible, noiseSettings, folders[0]!.cells, width)}
            />
            <p class="legend">
              Solid lines with filled markers: ours
              {folders[0]!.seeds.length > 1 && ', bars: 95 % intervals of the means'}.
              {folders[0]!.cells.some(({ paper }) => paper !== null) &&
                " Dashed lines with open markers: the paper's."}
            </p>
          </div>
        )}
      </section>
      <section id="training">
        <h2>During training</h2>
        <div class="card">
          <p class="note">
            What to look for: where wrong labels are fitted, the true ones are lost, and test accuracy with
            them.
          </p>
          <div class="bar">
            <Choice
              legend="Noise"
              name="condition"
              options={noiseSettings.map(({ label, title }) => ({ value: label, title }))}
              value={noiseSetting}
              choose={setChosen}
            />
          </div>
          {legend}
          {many && <FolderLegend folders={folders} />}
          {noiseSettings.map(({ label, title }) => (
            <Curves
              key={label}
              folders={folders}
              methods={visible}
              noiseSetting={label}
              title={title}
              current={label === noiseSetting}
            />
          ))}
          <p class="legend">{seedsNote(folders)} Markers only tell the lines apart.</p>
          <div class="actions">
            <Download name="curves.csv" content={() => curvesCsv(folders)} />
          </div>
        </div>
      </section>
    </>
  );
}

function seedsNote(folders: readonly FolderData[]): string {
  if (folders.every(({ seeds }) => seeds.length === 1)) return 'One seed a line.';
  return `Lines: means over seeds${folders.length === 1 ? '; shaded: from the lowest seed to the highest' : ''}.`;
}

/** The three quantities under one noise setting; the others are drawn for paper only. */
function Curves({
  folders,
  methods,
  noiseSetting,
  title,
  current,
}: {
  folders: readonly FolderData[];
  methods: readonly MethodData[];
  noiseSetting: string;
  title: string;
  current: boolean;
}) {
  const lines: CurveLine[] = folders.flatMap(({ name: folder, curves }, place) =>
    methods.map((method) => ({
      method,
      folder,
      place,
      curves: curves.filter((c) => c.method === method.name && c.noiseSetting === noiseSetting),
    })),
  );
  const epochs = Math.max(1, ...folders.flatMap(({ curves }) => curves.map((c) => c.epochs.at(-1)!)));
  const empty = lines.every(({ curves }) => curves.length === 0);
  return (
    <div class={current ? 'curves current' : 'curves'}>
      <h3>{title}</h3>
      {empty ? (
        <p class="missing">No run of this column has been evaluated yet.</p>
      ) : (
        <div class="panels">
          {QUANTITIES.map(({ quantity, title: name, about }) => (
            <figure key={quantity}>
              <figcaption>
                <b>{name}</b> {about}
              </figcaption>
              <Chart
                label={`${name} against epoch at ${title} noise`}
                of={[folders, methods.map((m) => m.name).join()]}
                draw={(drawings, width) => drawings.curves(lines, quantity, epochs, width)}
              />
            </figure>
          ))}
        </div>
      )}
    </div>
  );
}

/** A small figure for each method, with a line for each folder. */
function Comparison({
  folders,
  methods,
}: {
  folders: readonly FolderData[];
  methods: readonly MethodData[];
}) {
  return (
    <div class="card">
      <FolderLegend folders={folders} coloured />
      <div class="panels">
        {methods.map((method) => {
          const cellsOf = (folder: FolderData) => folder.cells.filter((cell) => cell.method === method.name);
          const noiseSettings = union(
            folders,
            (f) => f.noiseSettings,
            (c) => c.label,
          );
          return (
            <figure key={method.name}>
              <figcaption>
                <b>{method.title}</b> test accuracy, %
              </figcaption>
              <Chart
                label={`Accuracy of ${method.title} against noise, one line for each folder`}
                of={[folders]}
                draw={(drawings, width) =>
                  drawings.comparison(
                    noiseSettings,
                    folders.map((folder) => ({ name: folder.name, cells: cellsOf(folder) })),
                    width,
                  )
                }
              />
            </figure>
          );
        })}
      </div>
    </div>
  );
}

/** Something drawn by the library, as wide as it is. */
function Key({ draw }: { draw(drawings: Drawings): Element }) {
  const drawings = useContext(DrawingsContext);
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!drawings) return;
    const key = draw(drawings);
    key.setAttribute('aria-hidden', 'true');
    place.current!.replaceChildren(key);
  }, [drawings]);
  return <span class="key" ref={place} />;
}

function Legend({
  methods,
  hidden,
  toggle,
}: {
  methods: readonly MethodData[];
  hidden: ReadonlySet<string>;
  toggle(name: string): void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent
    <div class="keys" role="group" aria-label="Methods shown">
      {methods.map(({ name, title, style }) => (
        <button type="button" key={name} aria-pressed={!hidden.has(name)} onClick={() => toggle(name)}>
          <Key draw={(drawings) => drawings.methodKey(style)} />
          {title}
        </button>
      ))}
    </div>
  );
}

function FolderLegend({ folders, coloured = false }: { folders: readonly FolderData[]; coloured?: boolean }) {
  return (
    <ul class="keys">
      {folders.map(({ name }, place) => (
        <li key={name}>
          <Key draw={(drawings) => drawings.folderKey(place, coloured)} />
          {name}
        </li>
      ))}
      {coloured && (
        <li>
          <Key draw={(drawings) => drawings.paperKey()} />
          the paper
        </li>
      )}
    </ul>
  );
}

/** Every evaluation as a row. */
function curvesCsv(folders: readonly FolderData[]): string {
  const header = [
    'folder',
    'method',
    'noise_rate',
    'seed',
    'epoch',
    'test_accuracy',
    'wrong_labels_fitted',
    'true_labels_recovered',
  ];
  const rows = folders.flatMap(({ name, curves }) =>
    curves.flatMap((c) =>
      c.epochs.map((epoch, i) => [
        name,
        c.method,
        c.noiseSetting,
        c.seed,
        epoch,
        c.testAccuracy[i]!,
        c.wrongLabelsFitted[i]!,
        c.trueLabelsRecovered[i]!,
      ]),
    ),
  );
  return csv([header, ...rows]);
}
