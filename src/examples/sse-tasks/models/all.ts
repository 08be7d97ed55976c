/** Every sample model; `origin` is the URL of a server to fetch from, without a slash at the end. */
import type { TaskModel } from "../coordinator/TaskModel.ts"
import type { TaskStore } from "../store/TaskStore.ts"
import { asyncGeneratorTask } from "./asyncGeneratorTask.ts"
import { continueTask } from "./continueTask.ts"
import { exampleTask } from "./exampleTask.ts"
import { httpFetchTask } from "./httpFetchTask.ts"
import { stubbornTask } from "./stubbornTask.ts"
import { syncGeneratorTask } from "./syncGeneratorTask.ts"

export const all = (origin: string): ReadonlyArray<TaskModel<TaskStore>> => [
  exampleTask,
  continueTask,
  asyncGeneratorTask,
  syncGeneratorTask,
  httpFetchTask(`${origin}/slow?ms=8000`),
  stubbornTask
]
