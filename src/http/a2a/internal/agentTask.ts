/**
 * One A2A task as clients see it, and the only place where that changes. Whatever
 * comes after its terminal state is refused, in the step in which it comes; so is
 * what a straggler still says.
 */
import { Role, TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import type { StoredPushNotificationConfig } from "@a2a-js/sdk/server"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Stream from "effect/Stream"
import type { Companion } from "../../../fibers/internal/companion.ts"
import { trampoline } from "../../../fibers/internal/trampoline.ts"
import type { Task } from "../../../fibers/Task.ts"
import type { TaskOutcome } from "../../../fibers/TaskOutcome.ts"
import type { AgentEvent } from "../AgentEngine.ts"
import { type Content, toParts } from "../Content.ts"
import type { ArtifactOptions } from "../Turn.ts"
import { type AgentLog, Happening } from "./agentLog.ts"
import { Artifacts } from "./artifacts.ts"
import { endOf } from "./endOf.ts"
import { newId } from "./ids.ts"
import { isoOf } from "./instants.ts"

type Metadata = Readonly<Record<string, unknown>> | undefined

export interface Identity {
  readonly id: string
  readonly contextId: string
  readonly tenant: string
  /** The name of the user; empty for an anonymous one. */
  readonly owner: string
}

/** What all tasks of one agent share. */
export interface Home {
  /** What they run with. */
  readonly services: Context.Context<never>
  readonly clock: Clock.Clock
  /** Whether what an agent had before it was cancelled is published. */
  readonly partialResult: boolean
  /** Runs a step in the next turn. */
  readonly later: (step: () => void) => void
  readonly log: () => AgentLog
}

const terminal: ReadonlySet<TaskState> = new Set([
  TaskState.TASK_STATE_COMPLETED,
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_CANCELED,
  TaskState.TASK_STATE_REJECTED
])

export const isTerminalState = (state: TaskState): boolean => terminal.has(state)

const none: ReadonlyArray<never> = []

export class AgentTask implements Companion {
  readonly id: string
  readonly contextId: string
  readonly tenant: string
  readonly owner: string
  status: A2A.TaskStatus
  private metadata: Record<string, unknown> | undefined = undefined
  private readonly artifacts = new Artifacts()
  private readonly history: [A2A.Message, ...Array<A2A.Message>]
  /** For those who read: none before the first, and none any more once it has ended. */
  private log: AgentLog | undefined
  readonly home: Home
  private settling: Set<() => void> | undefined = undefined
  /** What runs it; set when it was started. */
  running: Task<unknown, unknown, unknown> | undefined = undefined
  /** What the agent has so far. */
  unfinished: Content | undefined = undefined
  /** Takes the next message, while the agent asks for one; undefined says that none will come. */
  question: ((message: A2A.Message | undefined) => void) | undefined = undefined
  /** What is told of it by push notifications, and whether somebody does. */
  webhooks: ReadonlyArray<StoredPushNotificationConfig> = none
  notified = false
  /** How many follow it whose leaving may stop it. */
  followers = 0
  /** How many times one of them has left. */
  departures = 0

  constructor(identity: Identity, message: A2A.Message, home: Home, log?: AgentLog) {
    this.id = identity.id
    this.contextId = identity.contextId
    this.tenant = identity.tenant
    this.owner = identity.owner
    this.home = home
    this.log = log
    this.history = [this.addressed(message)]
    this.status = this.statusOf(TaskState.TASK_STATE_SUBMITTED, undefined)
  }

  get services(): Context.Context<never> {
    return this.home.services
  }

  registered(task: Task<unknown, unknown, unknown>): void {
    this.running = task
  }

  started(): void {
    this.setStatus(TaskState.TASK_STATE_WORKING)
  }

  ended(outcome: TaskOutcome<unknown, unknown, unknown>): void {
    const { unfinished } = this
    this.unfinished = undefined
    if (outcome._tag === "Cancelled" && this.home.partialResult && unfinished !== undefined) {
      this.addArtifact(unfinished, { id: "partial", last: true })
    }
    const { content, metadata, state } = endOf(outcome, this.id)
    this.setStatus(state, content, metadata)
  }

  closed(): void {
    const { settling } = this
    if (settling === undefined) return
    this.settling = undefined
    for (const listener of settling) trampoline(listener)
  }

  /** The message that it began with. */
  get first(): A2A.Message {
    return this.history[0]
  }

  get over(): boolean {
    return isTerminalState(this.status.state)
  }

  /** Whether whoever waits for an answer has one: it ended, or asks. */
  get settled(): boolean {
    const { state } = this.status
    return this.over || state === TaskState.TASK_STATE_INPUT_REQUIRED || state === TaskState.TASK_STATE_AUTH_REQUIRED
  }

  /** A copy, which does not change any more. */
  snapshot(historyLength?: number, withArtifacts = true): A2A.Task {
    return {
      id: this.id,
      contextId: this.contextId,
      status: this.status,
      artifacts: withArtifacts ? this.artifacts.copies() : [],
      history:
        historyLength === undefined
          ? this.history.slice()
          : historyLength <= 0
            ? []
            : this.history.slice(-historyLength),
      metadata: this.metadata
    }
  }

  /** The whole of it as something that happened, in the place of what a reader has missed. */
  private readonly anew = (): Happening =>
    new Happening({ payload: { $case: "task", value: this.snapshot() } }, this.stopsStreams)

  /** The task as it is now, then what comes, up to its end or its next question; not of one that has ended. */
  follow(now: A2A.Task): Stream.Stream<AgentEvent> {
    return this.read(now, "settled")
  }

  /** The same, past its questions. */
  followToEnd(): Stream.Stream<AgentEvent> {
    return this.read(this.snapshot(), "ended")
  }

  private read(task: A2A.Task, until: "settled" | "ended"): Stream.Stream<AgentEvent> {
    const log = (this.log ??= this.home.log())
    return log.read(log.last, new Happening({ payload: { $case: "task", value: task } }, false), this.anew, until)
  }

  private get stopsStreams(): boolean {
    return this.over || this.status.state === TaskState.TASK_STATE_INPUT_REQUIRED
  }

  /** False if it has ended. */
  setStatus(state: TaskState, content?: Content, metadata?: Metadata): boolean {
    if (this.over) return false
    const message = content === undefined ? undefined : this.messageOf(content)
    this.status = this.statusOf(state, message)
    if (message !== undefined) this.history.push(message)
    if (metadata !== undefined) this.metadata = { ...this.metadata, ...metadata }
    const { log } = this
    if (log !== undefined) {
      const value = { taskId: this.id, contextId: this.contextId, status: this.status, metadata }
      log.append(new Happening({ payload: { $case: "statusUpdate", value } }, this.stopsStreams))
    }
    if (this.over) {
      this.log = undefined
      log?.end()
      const { question } = this
      this.question = undefined
      // Only what ignores its interrupt still asks.
      if (question !== undefined) this.home.later(() => question(undefined))
    } else if (this.settled && this.settling !== undefined) {
      // In a later step: who is told runs on at once, and this one may be in the middle of another.
      this.home.later(() => {
        // Unless it has been answered meanwhile: whoever waits, waits on.
        if (this.settled) this.closed()
      })
    }
    return true
  }

  /**
   * How it is going. A task that asks goes on asking: the words are told with the state of the question, which itself
   * stays in the status for who comes later, and end no stream that waits for what follows.
   */
  say(content: Content, metadata?: Metadata): void {
    if (this.question === undefined) return void this.setStatus(TaskState.TASK_STATE_WORKING, content, metadata)
    const message = this.messageOf(content)
    this.history.push(message)
    if (metadata !== undefined) this.metadata = { ...this.metadata, ...metadata }
    const status = this.statusOf(this.status.state, message)
    const value = { taskId: this.id, contextId: this.contextId, status, metadata }
    this.log?.append(new Happening({ payload: { $case: "statusUpdate", value } }, false))
  }

  /** False if it has ended. */
  addArtifact(content: Content, options: ArtifactOptions = {}): boolean {
    if (this.over) return false
    const parts = toParts(content)
    const artifactId = options.id ?? newId()
    const before = this.artifacts.find(artifactId)
    const artifact: A2A.Artifact = {
      artifactId,
      name: options.name ?? before?.name ?? options.id ?? "",
      description: options.description ?? before?.description ?? "",
      parts,
      metadata: options.metadata,
      extensions: Array.from(options.extensions ?? [])
    }
    // To append to nothing is to begin.
    const append = options.append === true && before !== undefined
    this.artifacts.put(artifact, before, append)
    const { log } = this
    if (log === undefined) return true
    const value = {
      taskId: this.id,
      contextId: this.contextId,
      artifact,
      append,
      lastChunk: options.last === true,
      metadata: undefined
    }
    log.append(new Happening({ payload: { $case: "artifactUpdate", value } }, false))
    return true
  }

  /** Takes the answer to what the agent asks; the returned function lets the agent go on. Undefined if it does not ask. */
  deliver(message: A2A.Message): (() => void) | undefined {
    const { question } = this
    if (question === undefined || this.over) return undefined
    this.question = undefined
    this.history.push(this.addressed(message))
    this.setStatus(TaskState.TASK_STATE_WORKING)
    return () => question(message)
  }

  /** Calls back when it is settled, if it is not; the returned function withdraws. */
  onSettled(listener: () => void): () => void {
    const settling = (this.settling ??= new Set())
    settling.add(listener)
    return () => void settling.delete(listener)
  }

  /** A message to or of this task. */
  addressed(message: A2A.Message): A2A.Message {
    return { ...message, taskId: this.id, contextId: this.contextId }
  }

  private messageOf(content: Content): A2A.Message {
    return {
      messageId: newId(),
      taskId: this.id,
      contextId: this.contextId,
      role: Role.ROLE_AGENT,
      parts: toParts(content),
      metadata: undefined,
      extensions: [],
      referenceTaskIds: []
    }
  }

  private statusOf(state: TaskState, message: A2A.Message | undefined): A2A.TaskStatus {
    return { state, message, timestamp: isoOf(this.home.clock.currentTimeMillisUnsafe()) }
  }
}
