// Ctrl-C and SIGTERM as an abort signal and an exit code.

/** Aborts on the first signal; a second one ends the process at once. */
export function abortOnSignals() {
  const controller = new AbortController();
  const stop = {
    signal: controller.signal,
    /** Set once a signal came. */
    exitCode: undefined as number | undefined,
    release() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
  const abort = (exitCode: number) => {
    stop.exitCode = exitCode;
    stop.release();
    controller.abort();
  };
  const onInterrupt = () => abort(130);
  const onTerminate = () => abort(143);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return stop;
}
