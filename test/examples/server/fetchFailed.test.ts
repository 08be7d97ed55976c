import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { describe, expect, it } from "vitest"
import { networkFailure } from "../../../src/examples/server/fetchFailed.ts"

const url = new URL("http://localhost:1/")
const transport = (cause: unknown): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request: HttpClientRequest.get(url.href), cause })
  })

describe("networkFailure", () => {
  it("names every address that refused, as Node reports a host with several", () => {
    const both = new AggregateError([
      new Error("connect ECONNREFUSED ::1:1"),
      new Error("connect ECONNREFUSED 127.0.0.1:1")
    ])
    expect(networkFailure(url, transport(both)).message).toBe(
      "No answer: connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1."
    )
  })

  it("has a message when the cause is no error", () => {
    expect(networkFailure(url, transport(undefined)).message).toBe("No answer: unknown network error.")
  })
})
