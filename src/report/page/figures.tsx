// Accuracy against noise and against cost, and what happens during training.
import type { ComponentChildren } from 'preact';
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { CurveQuantity, FolderData, MethodData, PageData, Way } from '../page_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Download } from './download.js';
import { type AccuracyLine, type CurveLine, type Drawings, DrawingsContext } from './drawing.js';
import { Fits } from './fits.js';
import { csv } from './format.js';
import type { Key } from './save.js';
import { cellsBy, WayChoice, wayInWords } from './ways.js';

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

/** What a figure begins without: of many variants all but the best of each method, and of many methods all but the best. */
function crowded({ folders }: PageData): { variants: Set<string>; lines: Set<string> } {
  const methods = union(
    folders,
    (f) => f.methods,
    (m) => m.name,
  );
  if (methods.length <= MOST_LINES) return { variants: new Set(), lines: new Set() };
  const sum = (name: string) =>
    folders
      .flatMap(({ cells }) => cells.filter((c) => c.method === name))
      .reduce((all, c) => all + (c.mean ?? 0), 0);
  const best = new Map<string, string>();
  for (const { name, base } of methods)
    if (!best.has(base) || sum(name) > sum(best.get(base)!)) best.set(base, name);
  const others = (kept: Iterable<string>) => {
    const keep = new Set(kept);
    return new Set(methods.map(({ name }) => name).filter((name) => !keep.has(name)));
  };
  // Those that the paper has are what the others are compared with.
  const hasPaper = (name: string) =>
    folders.some(({ cells }) => cells.some((c) => c.method === name && c.paper !== null));
  const bySum = [...best.values()].sort((a, b) => sum(b) - sum(a));
  const ranked = [...bySum.filter(hasPaper), ...bySum.filter((name) => !hasPaper(name))];
  const lines = others(ranked.slice(0, MOST_LINES));
  return { variants: others(best.values()), lines };
}

/** A folder's methods, and those that were scored, as lines. */
function accuracyLines(
  { methods, external, noiseSettings }: FolderData,
  cells: FolderData['cells'],
): AccuracyLine[] {
  const last = Math.max(0, ...methods.map(({ style }) => style));
  return [
    ...methods
      .filter(({ name }) => cells.some(({ method }) => method === name))
      .map(({ name, title, style }) => ({
        title,
        style,
        isExternal: false,
        values: cells.filter(({ method }) => method === name),
      })),
    ...external.map(({ name, cells }, i) => ({
      title: `${name} (external)`,
      style: last + 1 + i,
      isExternal: true,
      values: cells.map((cell, i) => ({
        noiseSetting: noiseSettings[i]!.label,
        mean: cell?.mean ?? null,
        half: cell?.half ?? null,
        paper: null,
      })),
    })),
  ];
}

export function Figures({ data, way, setWay }: { data: PageData; way: Way; setWay(way: Way): void }) {
  const { folders } = data;
  const [first] = folders as [FolderData];
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
  const [start] = useState(() => crowded(data));
  const [hidden, setHidden] = useState<ReadonlySet<string>>(start.lines);
  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  const [chosen, setChosen] = useState<string>();
  const middle = noiseSettings[Math.floor((noiseSettings.length - 1) / 2)]!.label;
  const noiseSetting = noiseSettings.some(({ label }) => label === chosen) ? chosen! : middle;
  const visible = methods.filter(({ name }) => !hidden.has(name));
  const entries = methods.map(({ name, title, style }) => ({ name, title, style, isExternal: false }));
  const many = folders.length > 1;
  const noiseChoice = (
    <Choice
      legend="Noise"
      name="noise"
      options={noiseSettings.map(({ label, title }) => ({ value: label, title }))}
      value={noiseSetting}
      choose={setChosen}
    />
  );
  return (
    <>
      <section id="accuracy">
        <h2>Accuracy against noise</h2>
        {many ? (
          <Comparison folders={folders} methods={methods} way={way} />
        ) : (
          <Accuracy folder={first} hidden={hidden} toggle={toggle} way={way} setWay={setWay} />
        )}
      </section>
      {folders.some(({ cells }) => new Set(cells.map(({ cost }) => cost)).size > 1) && (
        <section id="cost">
          <h2>Accuracy against cost</h2>
          {folders.map((folder) => (
            <Cost
              key={folder.name}
              folder={folder}
              named={many}
              without={start.variants}
              noiseSetting={noiseSetting}
              noiseChoice={noiseChoice}
              way={way}
            />
          ))}
        </section>
      )}
      <section id="training">
        <h2>During training</h2>
        <div class="card">
          <p class="note">
            What to look for: where wrong labels are memorised, the true classes are lost, and test accuracy
            with them.
          </p>
          <div class="bar">{noiseChoice}</div>
          <Legend entries={entries} hidden={hidden} toggle={toggle} />
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
        {folders.map((folder) => (
          <Fits
            key={folder.name}
            folder={folder}
            named={many}
            methods={visible}
            noiseSetting={noiseSetting}
            noiseChoice={noiseChoice}
          />
        ))}
      </section>
    </>
  );
}

/** The name under which the paper's lines are switched. */
const PAPER = "the paper's";

function Accuracy({
  folder,
  hidden,
  toggle,
  way,
  setWay,
}: {
  folder: FolderData;
  hidden: ReadonlySet<string>;
  toggle(name: string): void;
  way: Way;
  setWay(way: Way): void;
}) {
  const { methods, external, noiseSettings, seeds, suite, csv: files } = folder;
  const all = accuracyLines(folder, cellsBy(folder, way));
  const nameOf = (title: string) => methods.find((method) => method.title === title)?.name ?? title;
  const entries = all.map((line) => ({ ...line, name: nameOf(line.title) }));
  const lines = entries.filter(({ name }) => !hidden.has(name));
  const hasPaper = folder.cells.some(({ paper }) => paper !== null);
  const paper = hasPaper && !hidden.has(PAPER);
  // Where the levels cannot be compared, the paper's lines have a figure and an axis of their own.
  const apart = folder.scaledDown !== null;
  const papers = lines.filter(({ values }) => values.some(({ paper }) => paper !== null));
  const papersSettings = noiseSettings.filter(({ label }) =>
    folder.cells.some((cell) => cell.noiseSetting === label && cell.paper !== null),
  );
  const name = `${suite}-accuracy`;
  return (
    <div class="card">
      <div class="bar">
        <WayChoice folders={[folder]} way={way} choose={setWay} />
      </div>
      <Legend entries={entries} hidden={hidden} toggle={toggle} paper={hasPaper} />
      <div class={apart && paper ? 'panels beside-paper' : 'panels'}>
        <figure>
          <figcaption>
            <b>Ours</b> {wayInWords(way)}
          </figcaption>
          <Chart
            name={name}
            label={`${suite}: clean-test accuracy against noise, ${wayInWords(way)}`}
            keys={(drawings) => keysOf(drawings, lines, paper && !apart)}
            of={[folder, hidden, way]}
            draw={(drawings, width) =>
              drawings.accuracy(lines, noiseSettings, { ours: true, paper: paper && !apart }, width)
            }
          />
        </figure>
        {apart && paper && (
          <figure>
            <figcaption>
              <b>The paper's</b> on an axis of its own: compare the order
            </figcaption>
            <Chart
              name={`${name}-paper`}
              label="The paper's clean-test accuracy against noise (Foret et al., 2021, Table 4)"
              keys={(drawings) => keysOf(drawings, papers, false)}
              of={[folder, hidden]}
              draw={(drawings, width) =>
                drawings.accuracy(papers, papersSettings, { ours: false, paper: true }, width)
              }
            />
          </figure>
        )}
      </div>
      <p class="legend">
        Solid lines with filled markers: ours
        {seeds.length > 1 && ', bars: 95 % intervals of the means'}.
        {paper && " Dashed lines with open markers: the paper's."}
        {external.length > 0 && ' Dotted: scored, not run.'}
      </p>
      <div class="actions">
        <Download name={`${name}.tex`} content={() => files['accuracy.tex']!} />
      </div>
    </div>
  );
}

function keysOf(drawings: Drawings, lines: readonly AccuracyLine[], paper: boolean): Key[] {
  return [
    ...lines.map(({ title, style, isExternal }) => ({
      title,
      element: drawings.methodKey(style, isExternal),
    })),
    ...(paper ? [{ title: PAPER, element: drawings.paperKey() }] : []),
  ];
}

/** Of one noise setting: equal compute is what stands above each other. */
function Cost({
  folder,
  named,
  without,
  noiseSetting,
  noiseChoice,
  way,
}: {
  folder: FolderData;
  named: boolean;
  without: ReadonlySet<string>;
  noiseSetting: string;
  noiseChoice: ComponentChildren;
  way: Way;
}) {
  const title = folder.noiseSettings.find(({ label }) => label === noiseSetting)?.title ?? noiseSetting;
  const points = cellsBy(folder, way)
    .filter((cell) => cell.noiseSetting === noiseSetting && cell.mean !== null && !without.has(cell.method))
    .map(({ method, cost, mean, half }) => ({
      ...folder.methods.find(({ name }) => name === method)!,
      cost,
      mean: mean!,
      half,
    }));
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <div class="bar">{noiseChoice}</div>
      <p class="caption">
        At {title} noise, {wayInWords(way)}
      </p>
      {points.length === 0 && <p class="missing">No run of this column has finished yet.</p>}
      {points.length > 0 && (
        <Chart
          name={`${folder.suite}-cost`}
          label={`${folder.suite}: clean-test accuracy ${wayInWords(way)} against cost, at ${title} noise`}
          of={[folder, noiseSetting, way]}
          draw={(drawings, width) => drawings.cost(points, width)}
        />
      )}
      <p class="legend">
        Cost: forward and backward passes of a run and of the teachers it needs, in trainings with plain SGD;
        not the search of settings. Dashed: the best to be had for so much
        {folder.seeds.length > 1 && '; bars: 95 % intervals of the means, as far as they are in the figure'}.
        {without.size > 0 && ' Of variants of a method the best is shown.'}
      </p>
    </div>
  );
}

function seedsNote(folders: readonly FolderData[]): string {
  if (folders.every(({ seeds }) => seeds.length === 1)) return 'One seed a line.';
  return `Lines: means over seeds${folders.length === 1 ? '; shaded: from the lowest seed to the highest' : ''}.`;
}

const lineOf = ({ title, style }: MethodData): AccuracyLine => ({
  title,
  style,
  isExternal: false,
  values: [],
});

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
                name={`${quantity}-${noiseSetting}`}
                keys={(drawings) => keysOf(drawings, methods.map(lineOf), false)}
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
  way,
}: {
  folders: readonly FolderData[];
  methods: readonly MethodData[];
  way: Way;
}) {
  const [isPaper, setPaper] = useState(folders.every(({ scaledDown }) => scaledDown === null));
  const hasPaper = folders.some(({ cells }) => cells.some(({ paper }) => paper !== null));
  return (
    <div class="card">
      <FolderLegend folders={folders} coloured />
      {hasPaper && (
        <div class="keys">
          <button type="button" aria-pressed={isPaper} onClick={() => setPaper(!isPaper)}>
            <KeyPiece draw={(drawings) => drawings.paperKey()} />
            {PAPER}
          </button>
        </div>
      )}
      <div class="panels">
        {methods.map((method) => {
          const cellsOf = (folder: FolderData) =>
            cellsBy(folder, way).filter((cell) => cell.method === method.name);
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
                name={`${method.name}-comparison`}
                keys={(drawings) =>
                  folders.map(({ name }, place) => ({
                    title: name,
                    element: drawings.folderKey(place, true),
                  }))
                }
                label={`Accuracy of ${method.title} against noise, one line for each folder`}
                of={[folders, way, isPaper]}
                draw={(drawings, width) =>
                  drawings.comparison(
                    noiseSettings,
                    folders.map((folder) => ({ name: folder.name, cells: cellsOf(folder) })),
                    isPaper,
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
export function KeyPiece({ draw }: { draw(drawings: Drawings): Element }) {
  const drawings = useContext(DrawingsContext);
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (!drawings) return;
    const key = draw(drawings);
    key.setAttribute('aria-hidden', 'true');
    place.current!.replaceChildren(key);
  }, [drawings]);
  return <span class="key" ref={place} />;
}

function Legend({
  entries,
  hidden,
  toggle,
  paper = false,
}: {
  entries: readonly { name: string; title: string; style: number; isExternal: boolean }[];
  hidden: ReadonlySet<string>;
  toggle(name: string): void;
  /** Whether the paper's lines can be switched, too. */
  paper?: boolean;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent
    <div class="keys" role="group" aria-label="Methods shown">
      {entries.map(({ name, title, style, isExternal }) => (
        <button type="button" key={name} aria-pressed={!hidden.has(name)} onClick={() => toggle(name)}>
          <KeyPiece draw={(drawings) => drawings.methodKey(style, isExternal)} />
          {title}
        </button>
      ))}
      {paper && (
        <button type="button" aria-pressed={!hidden.has(PAPER)} onClick={() => toggle(PAPER)}>
          <KeyPiece draw={(drawings) => drawings.paperKey()} />
          {PAPER}
        </button>
      )}
    </div>
  );
}

function FolderLegend({ folders, coloured = false }: { folders: readonly FolderData[]; coloured?: boolean }) {
  return (
    <ul class="keys">
      {folders.map(({ name }, place) => (
        <li key={name}>
          <KeyPiece draw={(drawings) => drawings.folderKey(place, coloured)} />
          {name}
        </li>
      ))}
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
