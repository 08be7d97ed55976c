/**
 * A language model for machines without one: it writes a few sentences about the words of the prompt, always the same
 * ones, token by token, as fast as it is told to, and stalls where it is told to. It is a `LanguageModel` of
 * `effect/ai`, so that the layer of a real provider can stand in its place. Interrupting it ends the answer at once.
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { tokensAbout } from "./tokensAbout.ts"

export interface Options {
  /** Between two tokens, and before the first. Default: 40 milliseconds. */
  readonly pace?: Duration.Input | undefined
  /** The number of tokens after which it says nothing any more, and does not end either. Default: it does not stall. */
  readonly stallAfter?: number | undefined
  /** How long an answer is. Default: 60 tokens. */
  readonly tokens?: number | undefined
}

export const layer = (options: Options = {}): Layer.Layer<LanguageModel.LanguageModel> => {
  const { pace = "40 millis", stallAfter = Infinity, tokens = 60 } = options
  const answer = (prompt: Prompt.Prompt): Stream.Stream<string> =>
    Stream.suspend(() => {
      let said = 0
      const wait = Effect.suspend(() =>
        said >= stallAfter ? Effect.never : Effect.sleep(Duration.fromInputUnsafe(pace))
      )
      return Stream.fromIterable(tokensAbout(wordsOf(prompt), tokens)).pipe(
        Stream.rechunk(1),
        Stream.tap(() =>
          Effect.andThen(
            wait,
            Effect.sync(() => said++)
          )
        ),
        Stream.onExit((exit) => (exit._tag === "Failure" ? cutOff(() => said, tokens) : Effect.void))
      )
    })
  return Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt }) =>
        Effect.map(Stream.mkString(answer(prompt)), (text) => [{ type: "text", text }, finish(text.length)]),
      streamText: ({ prompt }) =>
        Stream.make<[Response.StreamPartEncoded]>({ type: "text-start", id: "0" }).pipe(
          Stream.concat(Stream.map(answer(prompt), (delta) => ({ type: "text-delta", id: "0", delta }) as const)),
          Stream.concat(Stream.make({ type: "text-end", id: "0" } as const, finish(tokens)))
        )
    })
  )
}

const cutOff = (said: () => number, tokens: number): Effect.Effect<void> =>
  Effect.flatMap(CancelReason.current, (reason) => {
    const why = Option.match(reason, { onNone: () => "interrupted", onSome: ({ message }) => message })
    return Effect.logInfo(`The language model was stopped after ${said()} of ${tokens} tokens: ${why}`)
  })

const finish = (tokens: number): Response.FinishPartEncoded => ({
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: undefined, total: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: tokens, text: tokens, reasoning: undefined }
  },
  response: undefined
})

/** Of what the user said last. */
const wordsOf = ({ content }: Prompt.Prompt): ReadonlyArray<string> => {
  const last = content.findLast((message) => message.role === "user")
  const text = last?.content.map((part) => (part.type === "text" ? part.text : "")).join(" ") ?? ""
  return text.match(/[\p{L}\p{N}]{3,}/gu) ?? []
}
