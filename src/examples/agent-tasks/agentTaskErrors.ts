/**
 * Why the task service refused or could not be asked. They are the same in one process and over HTTP, where each has a
 * problem document of its own. That a *task* failed is not among them: that is an outcome.
 */
import * as Schema from "effect/Schema"
import type { TaskNotFound, TooManyTasks } from "../../fibers/Tasks.ts"
import { Status } from "./table/status.ts"

/** 400: `field` is the path of what was wrong. */
export class InvalidArgument extends Schema.TaggedError<InvalidArgument>()("InvalidArgument", {
  field: Schema.String,
  message: Schema.String
}) {}

/** 403: the task belongs to another agent. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", {
  id: Schema.String,
  caller: Schema.String
}) {
  override get message(): string {
    return `The task "${this.id}" belongs to another agent than "${this.caller}"`
  }
}

/** 409: not in this status, or not with this task. */
export class WrongState extends Schema.TaggedError<WrongState>()("WrongState", {
  id: Schema.String,
  status: Status,
  message: Schema.String
}) {}

/** The server could not be reached, or did not answer in time. */
export class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  url: Schema.String,
  message: Schema.String
}) {}

/** It answered what no version of it should. */
export class UnexpectedAnswer extends Schema.TaggedError<UnexpectedAnswer>()("UnexpectedAnswer", {
  url: Schema.String,
  status: Schema.Int,
  message: Schema.String
}) {}

export type Refusal = InvalidArgument | TaskNotFound | Forbidden | WrongState | TooManyTasks

export type AgentTasksError = Refusal | Unreachable | UnexpectedAnswer
