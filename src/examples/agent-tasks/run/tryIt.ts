/** What the server mode prints: lines to copy into another terminal, each of which works as it stands. */
const json = "-H 'content-type: application/json' -H 'x-agent: you'"
const slow = "11111111-1111-4111-8111-111111111111"
const fast = "22222222-2222-4222-8222-222222222222"

export const tryIt = (url: string, origin: string): string => `
Agent task server: ${url}
Something to fetch from: ${origin}   (GET ${origin}/_ledger shows closed sockets)

Schedule two tasks, wait for any of them, cancel the other, look:
  curl -s ${url}/tasks ${json} -d '{"tasks":[{"id":"${slow}","kind":"fetch","input":{"url":"${origin}/stall"}},{"id":"${fast}","kind":"sleep","input":{"ms":100}}]}'
  curl -s ${url}/waits ${json} -d '{"ids":["${slow}","${fast}"],"mode":"any"}'
  curl -s ${url}/tasks/${slow}/cancel ${json} -d '{"reason":{"message":"Seen enough"}}'
  curl -s ${url}/tasks/${slow}/events -H 'x-agent: you'
  curl -s ${origin}/_ledger

Ids are yours to choose, fresh ones each time (uuidgen). One more worker:
  npm run agents -- worker --server=${url}

Ctrl-C stops.
`
