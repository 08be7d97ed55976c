/** Logs each cancel of a served task, by whatever road it came: once when it is asked for, once when the task has ended. */
import { endEntry, type Entry, requestEntry, write } from "../../fibers/internal/cancelEntry.ts"
import type { Served } from "./served.ts"
import { nodeOf, type Watcher } from "./watching.ts"

export const cancelLog: Watcher = {
  requested: (served, reason) => say(served, requestEntry(nodeOf(served), reason)),
  ended: (served) => {
    const node = nodeOf(served)
    if (node.mark !== undefined) say(served, endEntry(node, node.mark.reason))
  }
}

const say = (served: Served, { fields, message }: Entry): void => {
  const { definition } = served.kind
  write(nodeOf(served), "Info", {
    message,
    fields: { ...fields, definition: definition.name, attempt: served.task.attempt }
  })
}
