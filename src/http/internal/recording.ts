/** Writes the events of one task into its log, in the very step that makes them. */
import type { SchedulerDispatcher } from "effect/Scheduler"
import { isTerminal, type TaskEvent } from "../../fibers/TaskEvent.ts"
import * as EventLog from "../EventLog.ts"
import type { Hooks } from "../StreamMetrics.ts"
import type { Any } from "../TaskDefinition.ts"
import * as WireEvent from "../WireEvent.ts"
import { Said } from "./said.ts"
import { LogNode } from "./stream/logNode.ts"

export class Recording {
  readonly said = new Said()
  private written: EventLog.EventLog | undefined = undefined
  private readonly definition: Any
  private readonly dispatcher: SchedulerDispatcher
  private readonly hooks: Hooks

  constructor(definition: Any, dispatcher: SchedulerDispatcher, hooks: Hooks) {
    this.definition = definition
    this.dispatcher = dispatcher
    this.hooks = hooks
  }

  readonly record = (event: TaskEvent): void => {
    const write = isTerminal(event) ? EventLog.endUnsafe : EventLog.appendUnsafe
    write(this.log(event.attempt), WireEvent.of(this.said, event))
    this.hooks.published()
  }

  /** The ids of an attempt are not those of the one before. */
  log(attempt: number): EventLog.EventLog {
    const { history, historyCharacters } = this.definition
    return (this.written ??= new LogNode(this.dispatcher, {
      events: history,
      characters: historyCharacters,
      prefix: `${attempt}-`
    }))
  }
}
