// temp
import { createRequire } from 'node:module';
export function nativeKernels(): { inUse: boolean; problem: string } {
  const file = process.env.LABELNOISE_NATIVE_LIB;
  if (!file) return { inUse: false, problem: 'off' };
  const { problem } = createRequire(import.meta.url)(file) as { problem: string };
  return { inUse: !problem, problem };
}
