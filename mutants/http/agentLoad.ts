/** Breaks of what an A2A task keeps when it has ended, and of how much an agent says before its readers have a turn. */
import type { Mutant } from "../Mutant.ts"

const heap = ["test/http/a2a/heap.test.ts"]

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "an ended A2A task keeps its events",
    law: "S2-52",
    file: "src/http/a2a/internal/agentTask.ts",
    find: "      this.log = undefined\n      log?.end()",
    replace: "      log?.end()",
    tests: heap
  },
  {
    name: "an ended task keeps what its recorder holds",
    law: "S2-61",
    file: "src/fibers/internal/taskRecord.ts",
    find: "if (this.recorder !== undefined) this.recorder = forget",
    replace: "",
    tests: heap
  },
  {
    name: "an agent says all that it has at once",
    law: "S2-33",
    file: "src/http/a2a/internal/turning.ts",
    find: "++this.said % burst === 0 ?",
    replace: "++this.said % burst === -1 ?",
    tests: ["test/http/a2a/AgentEngine.test.ts"]
  }
]
