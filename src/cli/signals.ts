// Ctrl-C and SIGTERM as an abort signal and an exit code.

/** Schedulers and service managers soon follow a SIGTERM by a SIGKILL: whatever is under way, the command ends by then. */
const GRACE_MILLISECONDS = 4200;

/** Aborts on the first signal; a second one ends the process at once, and so does the end of a time of grace. */
export function abortOnSignals(grace = GRACE_MILLISECONDS) {
  const controller = new AbortController();
  let end: NodeJS.Timeout | undefined;
  const stop = {
    signal: controller.signal,
    /** Set once a signal came. */
    exitCode: undefined as number | undefined,
    release() {
      clearTimeout(end);
      unlisten();
    },
  };
  const unlisten = () => {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onTerminate);
  };
  const abort = (exitCode: number) => {
    stop.exitCode = exitCode;
    // Not before all have heard of it: signal-exit ends the process if it is the only one left to listen.
    setImmediate(unlisten);
    controller.abort();
    clearTimeout(end);
    end = setTimeout(() => process.exit(exitCode), grace).unref();
  };
  const onInterrupt = () => abort(130);
  const onTerminate = () => abort(143);
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return stop;
}
