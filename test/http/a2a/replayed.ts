/** What a client has of a task that put the events of a stream together: to be compared with the task as it is stored. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import { textOf } from "../../../src/http/a2a/Content.ts"

export interface Replayed {
  readonly state: string
  /** Of the status: the reason of a cancel. */
  readonly text: string
  readonly metadata: unknown
  readonly artifacts: { readonly [id: string]: ReadonlyArray<string> }
}

export const stored = (task: A2A.Task): Replayed => ({
  state: TaskState[task.status!.state],
  text: textOf(task.status!.message?.parts ?? []),
  metadata: task.metadata?.["rescind"],
  artifacts: Object.fromEntries(
    task.artifacts.map(({ artifactId, parts }) => [artifactId, parts.map((part) => textOf([part]))])
  )
})

const terminal: ReadonlySet<string | undefined> = new Set(
  ["COMPLETED", "FAILED", "CANCELED", "REJECTED"].map((state) => `TASK_STATE_${state}`)
)

export const isTerminal = ({ state }: Pick<Replayed, "state">): boolean => terminal.has(state)

/** Throws if the stream does not begin with the task, or if anything follows a terminal state. */
export const replayed = (events: ReadonlyArray<A2A.StreamResponse>): Replayed => {
  const [first, ...rest] = events
  if (first?.payload?.$case !== "task") throw new Error(`The first event is ${first?.payload?.$case}, not the task`)
  let now = stored(first.payload.value)
  for (const { payload } of rest) {
    if (isTerminal(now)) throw new Error(`${payload?.$case} follows ${now.state}`)
    if (payload?.$case === "task") now = stored(payload.value)
    else if (payload?.$case === "statusUpdate") {
      const { metadata, status } = payload.value
      const text = textOf(status!.message?.parts ?? [])
      now = { ...now, state: TaskState[status!.state], text, metadata: metadata?.["rescind"] ?? now.metadata }
    } else if (payload?.$case === "artifactUpdate") {
      const { append, artifact } = payload.value
      const parts = artifact!.parts.map((part) => textOf([part]))
      const before = append ? (now.artifacts[artifact!.artifactId] ?? []) : []
      now = { ...now, artifacts: { ...now.artifacts, [artifact!.artifactId]: [...before, ...parts] } }
    } else throw new Error(`A stream of a task has no ${payload?.$case}`)
  }
  return now
}
