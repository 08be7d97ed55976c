/** What the coordinator refuses, each with what to do about it. */
import * as Data from "effect/Data"
import type { Status } from "../store/TaskRecord.ts"
import * as TaskKey from "../TaskKey.ts"

export class NoSuchModel extends Data.TaggedError("NoSuchModel")<{
  readonly app: string
  readonly model: string
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    return `There is no model ${this.app}/${this.model}; there are ${this.known.join(", ")}`
  }
}

export class NoSuchTask extends Data.TaggedError("NoSuchTask")<{ readonly key: TaskKey.TaskKey }> {
  override get message(): string {
    return `There is no task ${TaskKey.toString(this.key)}; create it with POST /tasks`
  }
}

/** The task is not where this could be done to it. */
export class WrongState extends Data.TaggedError("WrongState")<{
  readonly key: TaskKey.TaskKey
  readonly status: Status
  readonly message: string
}> {}

/** A task ends with it if its record was changed or deleted while it ran: its value was not saved. */
export class RecordChanged extends Data.TaggedError("RecordChanged")<{ readonly message: string }> {}
