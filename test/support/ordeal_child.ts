// Runs the commands of ordeals in this process, one after the other, as its parent types them.
import { commandLine } from './command_line.js';
import { standIn } from './stand_in.js';

process.on('disconnect', () => process.exit());
process.on('message', async ({ args, isStandIn }: { args: string[]; isStandIn: boolean }) => {
  process.send!(await commandLine(args, {}, isStandIn ? standIn : undefined));
});
