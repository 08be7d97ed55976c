/** Breaks of time that only goes forward: what waits by the wall clock ends early or late when that is set. */
import type { Mutant } from "../Mutant.ts"

const folder = "src/fibers/internal"
const test = ["test/fibers/setClock.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "all that waits goes by the wall clock",
    law: "K12 K33",
    file: `${folder}/steady.ts`,
    find: "Number(clock.monotonicTimeNanosUnsafe()) / nanos",
    replace: "clock.currentTimeMillisUnsafe()",
    tests: test
  },
  {
    name: "an instant that is told is not of the wall clock",
    law: "K33 K43",
    file: `${folder}/steady.ts`,
    find: "Math.round(clock.currentTimeMillisUnsafe() + at - steady(clock))",
    replace: "Math.round(at)",
    tests: test
  },
  {
    name: "an instant that is given is not of the wall clock",
    law: "K33",
    file: `${folder}/steady.ts`,
    find: "whole(steady(clock) + at - clock.currentTimeMillisUnsafe())",
    replace: "at",
    tests: test
  },
  {
    name: "an instant is told as it was once, though the clock has been set",
    law: "K43",
    file: `${folder}/limit.ts`,
    find: "this.told === undefined || Math.abs(wall - this.told) > 1",
    replace: "this.told === undefined",
    tests: test
  },
  {
    name: "an instant that is told twice is not the same",
    law: "K43",
    file: `${folder}/limit.ts`,
    find: "Math.abs(wall - this.told) > 1",
    replace: "true",
    tests: test
  },
  {
    name: "what is left of a limit is less than can be slept",
    law: "K33",
    file: `${folder}/steady.ts`,
    find: "Math.round(at * nanos) / nanos",
    replace: "at",
    tests: test
  },
  {
    name: "a drain tells by when it is over as if no clock had been set",
    law: "K37",
    file: "src/fibers/Tasks.ts",
    find: "(at) => toWall(tasks.clock, at)",
    replace: "(at) => at",
    tests: test
  },
  {
    name: "a pause before a restart goes by the wall clock",
    law: "K40",
    file: `${folder}/supervising.ts`,
    find: "return steady(this.node.clock)",
    replace: "return this.node.clock.currentTimeMillisUnsafe()",
    tests: test
  },
  {
    name: "a kept message expires by the wall clock",
    law: "K41",
    file: `${folder}/correlation.ts`,
    find: "sweep(): void {\n    const now = steady(this.clock)",
    replace: "sweep(): void {\n    const now = this.clock.currentTimeMillisUnsafe()",
    tests: test
  },
  {
    name: "the watchdog takes the age of a cancel from the wall clock",
    law: "K43",
    file: `${folder}/lookout.ts`,
    find: "    this.cameAt.set(request, now)\n    return now",
    replace: "    return now",
    tests: test
  },
  {
    name: "the watchdog takes the age of a task from the wall clock",
    law: "K43",
    file: `${folder}/ageLimit.ts`,
    find: "Math.min(now, at + task.startedAt - wall)",
    replace: "Math.min(now, now + task.startedAt - task.clock.currentTimeMillisUnsafe())",
    tests: test
  }
]
