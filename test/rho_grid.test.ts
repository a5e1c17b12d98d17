// Accuracy over rho, noise and m: which rows of a suite are one figure, and its table.
import { expect } from 'chai';
import { rhoCsv } from '../src/report/csv.js';
import { pageDataOf } from '../src/report/page_data_of.js';
import { reportOf } from '../src/report/report.js';
import { tableTexts } from '../src/report/write.js';
import { rhoGrids } from '../src/results/rho_grid.js';
import { loadSuite } from '../src/suite/load.js';
import { SUITE } from './fakes.js';
import { synthetic } from './support/synthetic.js';

const gridsOf = (methods: (typeof SUITE)['methods']) => {
  const { graph, records, cells } = synthetic({ methods });
  return rhoGrids(graph, records, cells);
};

describe('the grid of rho, noise and m', () => {
  it('has a panel for each m of the suite cliff, and every cell of it', async () => {
    const { suite } = await loadSuite('cliff');
    const { graph, records, cells } = synthetic({
      methods: suite.methods,
      noise: suite.noise,
      training: suite.training,
    });
    const grids = rhoGrids(graph, records, cells);
    expect(grids.map(({ title }) => title)).to.deep.equal(['SAM', 'Bootstrap + SAM']);
    for (const { method, panels } of grids) {
      expect(panels.map(({ m, isWholeBatch }) => [m, isWholeBatch])).to.deep.equal([
        [32, true],
        [8, false],
      ]);
      for (const { m, cells: all } of panels) {
        expect(all).to.have.length(12);
        for (const { rho, noiseSetting, cell } of all)
          expect(cell).to.include({ method: `${method}@rho ${rho}, m ${m}`, noiseSetting });
      }
    }
  });

  it('goes by the rho that a row has under each noise setting', () => {
    const [grid, ...others] = gridsOf({
      'sam@first': { rho: { '0.2': 0.05, '0.4': 0.05, '0.6': 0.05, '0.8': 0.025 } },
      'sam@second': { rho: { '0.2': 0.1, '0.4': 0.1, '0.6': 0.1, '0.8': 0.05 } },
      sam: { rho: { '0.2': 0.1, '0.4': 0.1, '0.6': 0.1, '0.8': 0.05 } },
    });
    expect(others).to.deep.equal([]);
    const { cells } = grid!.panels[0]!;
    expect(cells.filter(({ noiseSetting }) => noiseSetting === '80').map(({ rho }) => rho)).to.deep.equal([
      0.025, 0.05,
    ]);
    expect(cells, 'a row like an earlier one is left out').to.have.length(8);
  });

  it('keeps rows apart that differ in something else, and is not drawn of single cells', () => {
    expect(gridsOf(SUITE.methods), 'one row a method, rho by noise').to.deep.equal([]);
    expect(gridsOf({ sam: { rho: 0.1 }, 'sam@L2 outside': { rho: 0.2, l2: 'outside' } })).to.deep.equal([]);
    const training = { learningRate: 0.2 };
    expect(gridsOf({ sam: { rho: 0.1 }, 'sam@rate': { rho: 0.2, training } })).to.deep.equal([]);
    expect(gridsOf({ asam: { rho: 0.1 }, sam: { rho: 0.2 } })).to.deep.equal([]);
    expect(gridsOf({ sam: { rho: 0.1 }, 'sam@m 5': { rho: 0.1, m: 5 } })).to.have.length(1);
  });

  it('is a CSV file, with what is missing left empty', () => {
    const methods = { 'sam@rho 0.1': { rho: 0.1 }, 'sam@rho 0.2': { rho: 0.2, m: 5 } };
    const whole = synthetic({ methods, noise: { ...SUITE.noise, rates: [0.4] }, seeds: [1, 2] } as object);
    const [first] = whole.graph.runs;
    const part = reportOf(whole.graph, new Map([[first!.id, whole.records.get(first!.id)!]]));
    const { testAccuracy, wrongLabelsFitted } = whole.records.get(first!.id)!.curve.at(-1)!;
    expect(rhoCsv(part)!.split('\n')).to.deep.equal([
      'method,m,rho,noise_rate,seeds,mean,std,wrong_labels_fitted',
      `sam,10,0.1,40,1,${testAccuracy.toFixed(2)},,${wrongLabelsFitted!.toFixed(2)}`,
      'sam,5,0.2,40,0,,,',
      '',
    ]);
    expect(tableTexts(whole)).to.have.property('rho.csv');
    expect(pageDataOf([{ name: 'x', report: whole }]).folders[0]!.csv).to.have.property('rho.csv');
    expect(tableTexts(synthetic())).not.to.have.property('rho.csv');
  });
});
