/** Breaks of the laws of `Race.hedge` (K12, K23, K45). */
import type { Mutant } from "../Mutant.ts"

const hedge = ["test/combinators/Race.hedge.test.ts"]
const node = "src/combinators/internal/raceNode.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a hedge does not wait for who ends at the delay's very instant",
    law: "K12",
    file: node,
    find: "delay === 0 ? Effect.yieldNow : sleepOut(this.clock, delay)",
    replace: "delay === 0 ? Effect.yieldNow : this.clock.sleep(Duration.millis(delay))",
    tests: hedge
  },
  {
    name: "a hedge does not wait for who ends at the delay's very instant on a timer that was set later",
    law: "K12",
    file: "src/fibers/internal/sleepOut.ts",
    find: "millis > lastStretch\n",
    replace: "millis > Infinity\n",
    tests: hedge
  },
  {
    name: "the timer of a hedge outlives the race",
    law: "K45",
    file: node,
    find: "override close(): void {\n    this.timer?.interruptUnsafe()\n",
    replace: "override close(): void {\n",
    tests: hedge
  },
  {
    name: "the timer of a hedge runs while losers clean up",
    law: "K45",
    file: node,
    find: "if (this.won) {\n        this.timer?.interruptUnsafe()\n",
    replace: "if (this.won) {\n",
    tests: hedge
  },
  {
    name: "a hedge sets a timer though it is decided",
    law: "K45",
    file: node,
    find: "if (this.gone || this.decided || this.interrupted ||",
    replace: "if (this.gone || this.interrupted ||",
    tests: hedge
  },
  {
    name: "a hedge sets a timer though it was cancelled",
    law: "K45",
    file: node,
    find: "if (this.gone || this.decided || this.interrupted ||",
    replace: "if (this.gone || this.decided ||",
    tests: hedge
  },
  {
    name: "a hedge sets a timer though all have started",
    law: "K45",
    file: node,
    find: " || this.released >= this.size) return",
    replace: ") return",
    tests: hedge
  },
  {
    name: "a failure does not start the next of a hedge",
    law: "K23",
    file: node,
    find: "this.released++\n    if (this.options.stagger",
    replace: "if (this.options.stagger",
    tests: hedge
  },
  {
    name: "the delay of a hedge does not count anew from a failure",
    law: "K23",
    file: node,
    find: "if (this.options.stagger !== undefined) this.wait()\n    if (this.outOfReach",
    replace: "if (this.outOfReach",
    tests: hedge
  },
  {
    name: "a hedge ends while members have not started",
    law: "K23",
    file: node,
    find: "return super.done && (this.options.stagger === undefined || this.allStarted || this.decided || this.interrupted)",
    replace: "return super.done",
    tests: hedge
  },
  {
    name: "a hedge that is cancelled before all have started never ends",
    law: "K13",
    file: node,
    find: "this.allStarted || this.decided || this.interrupted)",
    replace: "this.allStarted || this.decided)",
    tests: [model, ...hedge]
  },
  {
    name: "a hedge that is won before all have started never ends",
    law: "K13",
    file: node,
    find: "this.allStarted || this.decided || this.interrupted)",
    replace: "this.allStarted || this.interrupted)",
    tests: [model, ...hedge]
  },
  {
    name: "a hedge starts all at once",
    law: "K23",
    file: node,
    find: "super.hasRoom : this.started < this.released",
    replace: "super.hasRoom : true",
    tests: hedge
  },
  {
    name: "a hedge takes a delay that is none",
    law: "K33",
    file: "src/combinators/Race.ts",
    find: 'CancelPolicy.bound("delay", delay)',
    replace: 'CancelPolicy.limit("delay", delay)',
    tests: hedge
  }
]
