/** Everything that a worker of this example can run. */
import type * as TaskDefinition from "../../../http/TaskDefinition.ts"
import * as ComputeTask from "./computeTask.ts"
import * as FailTask from "./failTask.ts"
import * as FetchTask from "./fetchTask.ts"
import * as SleepTask from "./sleepTask.ts"
import * as StubbornTask from "./stubbornTask.ts"

export const all: ReadonlyArray<TaskDefinition.Implementation<never>> = [
  SleepTask.implementation,
  FailTask.implementation,
  FetchTask.implementation,
  ComputeTask.implementation,
  StubbornTask.implementation
]
