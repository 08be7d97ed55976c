/**
 * The events of one task, for clients: written into its log in the very step
 * that makes them, or kept as they are until somebody reads, if nothing in them
 * can change until then. Most tasks that start, wait and are cancelled are never
 * followed, and no log is made for them.
 */
import * as Context from "effect/Context"
import { Scheduler } from "effect/Scheduler"
import { isTerminal, type TaskEvent } from "../../fibers/TaskEvent.ts"
import * as EventLog from "../EventLog.ts"
import type { Any } from "../TaskDefinition.ts"
import * as WireEvent from "../WireEvent.ts"
import { Said } from "./said.ts"
import type { Server } from "./served.ts"
import { LogNode } from "./stream/logNode.ts"

export class Recording {
  readonly said = new Said()
  private written: EventLog.EventLog | undefined = undefined
  /** What stands before all that is written. */
  private unwritten: ReadonlyArray<TaskEvent> = none
  private readonly definition: Any
  private readonly server: Server

  constructor(definition: Any, server: Server) {
    this.definition = definition
    this.server = server
  }

  readonly record = (event: TaskEvent): void => {
    if (this.written === undefined && isFixed(event)) this.unwritten = this.unwritten.concat(event)
    else this.write(this.log(event.attempt), event)
    this.server.hooks.published()
  }

  /** The ids of an attempt are not those of the one before. */
  log(attempt: number): EventLog.EventLog {
    return (this.written ??= this.begin(attempt))
  }

  private begin(attempt: number): EventLog.EventLog {
    const { history, historyCharacters } = this.definition
    // One of its own: what fails while one log is sent leaves the others alone.
    const dispatcher = Context.get(this.server.context, Scheduler).makeDispatcher()
    const log = new LogNode(dispatcher, {
      events: history,
      characters: historyCharacters,
      prefix: `${attempt}-`
    })
    for (const event of this.unwritten) this.write(log, event)
    this.unwritten = none
    return log
  }

  private write(log: EventLog.EventLog, event: TaskEvent): void {
    const write = isTerminal(event) ? EventLog.endUnsafe : EventLog.appendUnsafe
    write(log, WireEvent.of(this.said, event))
  }
}

/** Whether it holds no value of the program, which may change what it has said. */
const isFixed = (event: TaskEvent): boolean => {
  switch (event._tag) {
    case "Started":
      return true
    case "CancelRequested":
    case "Straggling":
      return event.reason.detail === undefined
    case "Cancelled":
      return event.reason.detail === undefined && !("partial" in event)
    case "Progress":
    case "Output":
    case "Completed":
    case "Failed":
      return false
  }
}

const none: ReadonlyArray<never> = []
