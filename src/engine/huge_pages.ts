// Large tensors in huge pages: only a process's environment can ask malloc for them, before it starts.

/** What the environment of a process that computes has besides; anything that GLIBC_TUNABLES already says has the last word. glibc 2.35 and later heed it (manual, "Memory Allocation Tunables"), other libraries do not know it. */
export const HUGE_PAGES: NodeJS.ProcessEnv = {
  GLIBC_TUNABLES: ['glibc.malloc.hugetlb=1', process.env.GLIBC_TUNABLES].filter(Boolean).join(':'),
};
