/**
 * Effect resumes fibers by direct recursion, which overflows the stack in a deep
 * tree. Whatever would resume one fiber from the end of another goes through
 * here instead: jobs run one after another on the outermost caller's stack.
 */
const jobs: Array<() => void> = []
let running = false

export const trampoline = (job: () => void): void => {
  jobs.push(job)
  if (running) return
  running = true
  let index = 0
  try {
    for (; index < jobs.length; index++) {
      jobs[index]!()
      if (index === 1023) {
        jobs.splice(0, 1024)
        index = -1
      }
    }
  } finally {
    running = false
    // A job that throws is a defect of ours; the others must not be lost with it.
    const rest = jobs.splice(0).slice(index + 1)
    for (const job of rest) trampoline(job)
  }
}
