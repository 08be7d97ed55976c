/** Live heap per idle task: the tasks of `keyed`, weighed when all have started and nothing else has happened. */
import type { Workload } from "../Workload.ts"
import { keyed } from "./keyed.ts"

const n = 100_000

export const idleMemory: Workload = {
  name: "idle-memory",
  summary: "100,000 waiting tasks by id, a finalizer each: live heap per task, each contestant in its own process",
  measures: "heap",
  rounds: 3,
  cases: [
    {
      label: "idle-memory",
      n,
      finalizers: n,
      operations: n,
      targets: { effect: 1.4, effection: 1 }
    }
  ],
  contestants: keyed.contestants
}
