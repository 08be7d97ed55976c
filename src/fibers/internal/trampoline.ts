/**
 * Effect resumes fibers by direct recursion, which overflows the stack in a deep
 * tree. Whatever would resume one fiber from the end of another goes through
 * here instead: jobs run one after another on the outermost caller's stack.
 */
const jobs: Array<() => void> = []
let running = false

/** Runs `job` after the jobs that are under way, at once if there are none. */
export const trampoline = (job: () => void): void => {
  jobs.push(job)
  if (!running) drain()
}

/** Runs `step` at once, and only after it whatever it would resume. */
export const together = (step: () => void): void => {
  if (running) return step()
  running = true
  // oxlint-disable-next-line repository/effect-only -- a stack overflow or a throwing observer must not leave the queue held
  try {
    step()
  } finally {
    drain()
  }
}

const drain = (): void => {
  running = true
  let failed: { readonly defect: unknown } | undefined
  for (let index = 0; index < jobs.length; index++) {
    // oxlint-disable-next-line repository/effect-only -- a job that throws is a defect of ours, and must not stop the others
    try {
      jobs[index]!()
    } catch (defect) {
      failed ??= { defect }
    }
    // A long chain of ends must not keep every finished job.
    if (index === 1023) {
      jobs.splice(0, 1024)
      index = -1
    }
  }
  jobs.length = 0
  running = false
  if (failed !== undefined) throw failed.defect
}
