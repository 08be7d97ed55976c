/** What the agent prints when it is ready: lines to copy into another terminal, each of which works as it stands. */

const headers = "-H 'content-type: application/json' -H 'a2a-version: 1.0'"

const message = (text: string, more = ""): string =>
  `{"message":{"messageId":"1","role":"ROLE_USER","parts":[{"text":"${text}"}]}${more}}`

/** Between the quotes of the shell, `'$TASK'` is the id. */
const rpc = (url: string, method: string, params: string): string =>
  `curl -sN ${url} ${headers} -d '{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}'`

const rest = (url: string, path: string, body: string): string => `curl -sN ${url}${path} ${headers} -d '${body}'`

/** The task that changed last. */
const latest = (url: string): string =>
  `TASK=$(curl -s -H 'a2a-version: 1.0' '${url}/tasks?pageSize=1' | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4)`

export const tryIt = (url: string): string => `
Rescind A2A agent: ${url}   (JSON-RPC and REST; card: ${url}/.well-known/agent-card.json)

Let it work, follow it, and cancel it meanwhile from another terminal:
  ${rpc(url, "SendStreamingMessage", message("stream 100 500"))}
  ${latest(url)}
  ${rpc(url, "CancelTask", `{"id":"'$TASK'","metadata":{"reason":"Seen enough","by":"you"}}`)}

The same by REST, with a language model:
  ${rest(url, "/message:stream", message("Tell me about structured concurrency"))}
  ${latest(url)}
  ${rest(url, "/tasks/$TASK:cancel", `{"metadata":{"reason":"Seen enough"}}`)}

What it can be told (echo, slow, stream, fail, stubborn, beat, hang, input):
  ${rpc(url, "SendMessage", message("help"))}

A task that does not want to stop: after the grace (GRACE, in milliseconds) its client is told all the same:
  ${rpc(url, "SendMessage", message("stubborn 60000", `,"configuration":{"returnImmediately":true}`))}
  ${latest(url)}
  ${rpc(url, "CancelTask", `{"id":"'$TASK'"}`)}

What there is, and what was counted:
  curl -s -H 'a2a-version: 1.0' ${url}/tasks
  curl -s ${url}/metrics

Ctrl-C stops: tasks are cancelled and every client is told; again: at once.
`
