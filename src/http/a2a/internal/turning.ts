/** The turn of one task: what its agent says becomes what clients see. */
import { TaskState } from "@a2a-js/sdk"
import type * as A2A from "@a2a-js/sdk"
import type { ServerCallContext } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Deadline from "../../../combinators/Deadline.ts"
import { CurrentNode } from "../../../fibers/internal/currentNode.ts"
import type { ScopeNode } from "../../../fibers/internal/scopeNode.ts"
import * as Task from "../../../fibers/Task.ts"
import * as TimeLimits from "../../../fibers/TimeLimits.ts"
import { type Content, textOf, toParts } from "../Content.ts"
import { type ArtifactOptions, Rejected, type Turn } from "../Turn.ts"
import type { AgentTask } from "./agentTask.ts"
import { metadataOf } from "./writable.ts"

/** Getters, because a turn is taken apart: most agents use one or two of them. */
export class Turning implements Turn {
  private readonly visible: AgentTask
  private readonly asked: A2A.SendMessageRequest
  readonly call: ServerCallContext
  private readonly referred: () => ReadonlyArray<A2A.Task>
  private asking: Semaphore.Semaphore | undefined = undefined
  private said = 0

  constructor(
    visible: AgentTask,
    request: A2A.SendMessageRequest,
    call: ServerCallContext,
    referred: () => ReadonlyArray<A2A.Task>
  ) {
    this.visible = visible
    this.asked = request
    this.call = call
    this.referred = referred
  }

  get references(): ReadonlyArray<A2A.Task> {
    return this.referred()
  }

  get taskId(): string {
    return this.visible.id
  }

  get contextId(): string {
    return this.visible.contextId
  }

  get request(): A2A.SendMessageRequest {
    return { ...this.asked, message: this.message }
  }

  get message(): A2A.Message {
    return this.visible.first
  }

  get text(): string {
    return textOf(this.message.parts)
  }

  get task(): Turn["task"] {
    return Effect.sync(() => this.visible.snapshot())
  }

  get say(): Turn["say"] {
    return (content, metadata) =>
      Effect.suspend(() => {
        this.visible.say(content, metadataOf("metadata", metadata))
        return this.given()
      })
  }

  get artifact(): Turn["artifact"] {
    return (content, options) => Effect.suspend(() => this.publish(content, options))
  }

  /** Now. */
  publish(content: Content, options: ArtifactOptions | undefined): Effect.Effect<void> {
    const metadata = metadataOf("metadata of an artifact", options?.metadata)
    this.visible.addArtifact(content, metadata === undefined ? options : { ...options, metadata: metadata as never })
    return this.given()
  }

  get ask(): Turn["ask"] {
    return (question) => this.oneByOne(this.wait(TaskState.TASK_STATE_INPUT_REQUIRED, question))
  }

  get askForAuth(): Turn["askForAuth"] {
    return (question) => this.oneByOne(this.wait(TaskState.TASK_STATE_AUTH_REQUIRED, question))
  }

  get partial(): Turn["partial"] {
    return (content) =>
      Effect.suspend(() => {
        // Now: at the cancel, nobody could be told that it is no content.
        this.visible.unfinished = toParts(content)
        return Task.partial(content)
      })
  }

  get reject(): Turn["reject"] {
    return (why) =>
      Effect.suspend(() => Effect.fail(new Rejected({ why: typeof why === "string" ? why : toParts(why) })))
  }

  get commit(): Turn["commit"] {
    return Task.commit
  }

  get extend(): Turn["extend"] {
    return TimeLimits.extend
  }

  get timeLeft(): Turn["timeLeft"] {
    return Deadline.remaining
  }

  /** Else an agent that has much to say at once would say it all before anybody could read, and past what the log keeps. */
  private given(): Effect.Effect<void> {
    return ++this.said % burst === 0 ? Effect.yieldNow : Effect.void
  }

  private oneByOne<A>(effect: Effect.Effect<A>): Effect.Effect<A> {
    return Effect.suspend(() => Semaphore.withPermits((this.asking ??= Semaphore.makeUnsafe(1)), 1)(effect))
  }

  private wait(state: TaskState, question: Content): Effect.Effect<A2A.Message> {
    const { visible } = this
    return Effect.withFiber((fiber) => {
      // Before anything waits for an answer to it.
      const parts = toParts(question)
      return Effect.callback<A2A.Message>((resume) => {
        // Of a straggler, or of a task that is being stopped, nobody waits for a question.
        if (visible.over || isStopping(fiber.getRef(CurrentNode), visible.id)) return resume(Effect.interrupt)
        const answer = (message: A2A.Message | undefined) =>
          resume(message === undefined ? Effect.interrupt : Effect.succeed(message))
        visible.question = answer
        visible.setStatus(state, parts)
        return Effect.sync(() => {
          if (visible.question !== answer) return
          visible.question = undefined
          // Who stops to wait for an answer works on, unless the whole task is being stopped.
          if (!isStopping(fiber.getRef(CurrentNode), visible.id)) visible.setStatus(TaskState.TASK_STATE_WORKING)
        })
      })
    })
  }
}

/** Whether the whole task was told to stop, not only what runs in a scope of its own in it. */
const isStopping = (node: ScopeNode, task: string): boolean => {
  for (let at: ScopeNode | undefined = node; at !== undefined; at = at.up) {
    if (at.kind === "task" && at.name === task) return at.mark !== undefined
  }
  return false
}

/** What an agent may say before its readers have a turn. */
const burst = 64
