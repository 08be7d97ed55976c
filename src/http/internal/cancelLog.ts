/** Logs each cancel of a served task, by whatever road it came: once when it is asked for, once when the task has ended. */
import { endEntry, type Entry, requestEntry, write } from "../../fibers/internal/cancelEntry.ts"
import type { Served } from "./servedTask.ts"
import { nodeOf, type Watcher } from "./watching.ts"

export const cancelLog: Watcher = {
  requested: (served, reason) => say(served, () => requestEntry(nodeOf(served), reason)),
  ended: (served) => {
    const node = nodeOf(served)
    const reason = node.mark?.reason
    if (reason !== undefined) say(served, () => endEntry(node, reason))
  }
}

const say = (served: Served, entry: () => Entry): void =>
  write(nodeOf(served), "Info", () => {
    const { fields, message } = entry()
    return { message, fields: { ...fields, definition: served.kind.definition.name, attempt: served.task.attempt } }
  })
