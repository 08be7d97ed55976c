/**
 * What happened to the tasks of one agent, as lines to read: who ran where, who was told to stop when and why, when the
 * reason reached the fiber, when its socket closed, and when it had really stopped.
 */
import type { CancelReason } from "../../../fibers/CancelReason.ts"
import type { ClosedEarly } from "../../server/originLedger.ts"
import type { TaskId } from "../AgentTask.ts"
import type { AgentTaskEvent } from "../AgentTaskEvent.ts"

interface Line {
  readonly at: number
  readonly order: number
  readonly who: string
  readonly text: string
}

export class Timeline {
  private readonly agent: string
  private readonly began: number
  private readonly lines: Array<Line> = []
  readonly labels = new Map<TaskId, string>()

  /** `began` is epoch milliseconds. */
  constructor(agent: string, began: number) {
    this.agent = agent
    this.began = began
  }

  private add(at: number, who: string, text: string): void {
    this.lines.push({ at, order: this.lines.length, who, text })
  }

  /** What the agent itself did. */
  note(at: number, text: string): void {
    this.add(at, this.agent, text)
  }

  /** A cancel of a task that had not been sent. */
  dropped(id: TaskId, reason: CancelReason): void {
    this.add(reason.at.epochMilliseconds, this.name(id), `cancelled before it was sent: ${this.why(reason)}`)
  }

  private name(id: string): string {
    return this.labels.get(id) ?? id
  }

  private why({ by, message, source }: CancelReason): string {
    return by === undefined ? `${source}, "${message}"` : `${source} by ${this.name(by)}, "${message}"`
  }

  events(events: ReadonlyArray<AgentTaskEvent>): void {
    let worker = "?"
    for (const event of events) {
      if (event._tag === "TaskStarted") worker = event.worker
      this.event(event, this.name(event.id), worker)
    }
  }

  private event(event: AgentTaskEvent, who: string, worker: string): void {
    const { at } = event
    switch (event._tag) {
      case "TaskScheduled":
        return this.add(
          at,
          who,
          event.replaces === undefined ? "scheduled" : `scheduled in place of ${this.name(event.replaces)}`
        )
      case "TaskStarted":
        return this.add(at, who, `runs on ${worker}${event.run === 1 ? "" : `, run ${event.run}`}`)
      case "TaskRetried":
        return this.add(at, who, `run ${event.run} failed, again: ${JSON.stringify(event.error)}`)
      case "TaskReturned":
        return this.add(at, who, `handed back by ${event.worker}`)
      case "CancelRequested":
        return this.add(at, who, `is told to stop, asked by ${event.requestedBy}: ${this.why(event.reason)}`)
      case "CancelFailed":
        return this.add(at, who, `a cancel came too late (${event.status}), asked by ${event.requestedBy}`)
      case "TaskCompleted":
        return this.add(at, who, "completed")
      case "TaskFailed":
        return this.add(at, who, `failed: ${JSON.stringify(event.error)}`)
      case "TaskStopped":
        return this.add(at, who, `its work on ${event.worker} has really ended`)
      case "TaskCancelled":
      case "TaskTimedOut": {
        const { how, reason, stoppedAt, tookMillis, toldAt } = event
        const verb = event._tag === "TaskCancelled" ? "cancelled" : "timed out"
        if (toldAt !== undefined) this.add(toldAt, who, `its fiber on ${worker} reads the reason: ${reason.source}`)
        if (stoppedAt !== undefined) this.add(stoppedAt, who, `its fiber on ${worker} has ended`)
        const end = stoppedAt === undefined && how !== "abandoned" ? "it never ran" : how
        return this.add(at, who, `${verb} (${end}) ${Math.round(tookMillis)} ms after the request`)
      }
    }
  }

  /** Sockets of tasks of this agent that the origin saw closing before its answer was sent. */
  closed(early: ReadonlyArray<ClosedEarly>): void {
    for (const { at, url } of early) {
      const who = new URLSearchParams(url.split("?")[1]).get("mirror")
      if (who?.startsWith(`${this.agent}.`))
        this.add(at, who.slice(this.agent.length + 1), "its socket closed, seen by the origin")
    }
  }

  /** By time; what happened in the same millisecond in the order in which it was told. */
  get text(): string {
    const sorted = this.lines.toSorted((a, b) => a.at - b.at || a.order - b.order)
    const width = Math.max(...sorted.map(({ who }) => who.length))
    return sorted
      .map(
        ({ at, text, who }) => `  ${String(Math.round(at - this.began)).padStart(6)} ms  ${who.padEnd(width)}  ${text}`
      )
      .join("\n")
  }
}
