/** Sends what happens to a task to one client, as server-sent events. */
import type { A2AError } from "@a2a-js/sdk/errors"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Chunk } from "../../internal/stream/chunk.ts"
import type { EventWriter } from "../../internal/stream/logReader.ts"
import { sendOnNode } from "../../internal/stream/onNode.ts"
import { OpenStream } from "../../internal/stream/openStream.ts"
import { SlotWriter } from "../../internal/stream/slotWriter.ts"
import type { AgentServer } from "./agentServer.ts"
import { failed, refusalOf } from "./refusal.ts"

/** How events stand in a stream of one binding. */
export interface Framing {
  readonly before: string
  readonly after: string
  /** As JSON: of what happens when the head of the answer is out. */
  readonly failed: (error: A2AError) => string
}

interface Sendable {
  readonly json: string
  /** Whether it is the last of a stream that ends with its turn. */
  readonly settles?: boolean
}

/** What follows is sent by this, before it is known whether there is anything: over a limit nothing is started. */
export const admit = (server: AgentServer): Effect.Effect<AgentStream, A2AError, Scope.Scope> =>
  Effect.mapError(
    server.streams.open((hooks) => new AgentStream(hooks)),
    refusalOf
  )

export const respond = (
  request: HttpServerRequest.HttpServerRequest,
  stream: AgentStream,
  events: Stream.Stream<Sendable>,
  framing: Framing,
  more: Readonly<Record<string, string>> | undefined
): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  const sending = { through: (writer: EventWriter) => stream.send(events, framing, writer) }
  const response = HttpServerResponse.stream(
    Stream.suspend(() => SlotWriter.stream(sending.through)),
    { headers: { ...headers, ...more }, contentType: "text/event-stream" }
  )
  return Effect.as(sendOnNode(request, response, sending), response)
}

/** No proxy may keep or delay an event. */
const headers = { "cache-control": "no-store", "x-accel-buffering": "no" }

export class AgentStream extends OpenStream {
  private writer: EventWriter | undefined = undefined
  /** Whether the client has room for more than it was sent. */
  private hasRoom = true

  override ping(chunk: Chunk): void {
    const { writer } = this
    if (writer === undefined || !this.hasRoom || this.write(writer, chunk)) return
    // Nobody waits for it here.
    writer.onRoom({
      advance: () => {
        this.hasRoom = true
      }
    })
  }

  send(events: Stream.Stream<Sendable>, framing: Framing, writer: EventWriter): Effect.Effect<void> {
    return this.run(
      Effect.suspend(() => {
        this.writer = writer
        return Stream.runForEachArray(events, (events) => {
          // The end of the stream comes in the same step.
          if (events[events.length - 1]!.settles === true) writer.hold?.()
          return this.put(writer, framed(events, framing))
        })
      }).pipe(
        Effect.catchDefect((defect) =>
          Effect.andThen(
            Effect.logError("An event stream of an agent failed", defect),
            this.put(writer, new Chunk(`event: error\ndata: ${framing.failed(failed)}\n\n`, 0))
          )
        ),
        Effect.andThen(
          Effect.sync(() => {
            this.why = "end"
          })
        )
      ),
      writer
    )
  }

  /** Waits until there is room for more. */
  private put(writer: EventWriter, chunk: Chunk): Effect.Effect<void> {
    return this.write(writer, chunk) ? Effect.void : this.room(writer)
  }

  private write(writer: EventWriter, chunk: Chunk): boolean {
    this.hasRoom = writer.write(chunk)
    this.hooks.delivered(chunk.size)
    return this.hasRoom
  }

  private room(writer: EventWriter): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const withdraw = writer.onRoom({
        advance: () => {
          this.hasRoom = true
          resume(Effect.void)
        }
      })
      return Effect.sync(withdraw)
    })
  }
}

const framed = (events: ReadonlyArray<Sendable>, { after, before }: Framing): Chunk => {
  let text = ""
  for (const { json } of events) text += before + json + after
  return new Chunk(text, 0)
}
