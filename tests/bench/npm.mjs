// Xen Orchestra's client (npm `xen-api`) on the canned server: what the driver is compared with. Prints seconds.
//
//   node npm.mjs URL records|watch json-rpc|xml-rpc
//
// `records`: its call VM.get_all_records; `watch`: from its connecting until all objects are known.

import { pathToFileURL } from 'node:url'
import assert from 'node:assert/strict'

const { createClient } = await import(pathToFileURL(process.env.HVD_PEER_CLIENT))
const [url, what, transport] = process.argv.slice(2)
const watched = what === 'watch'
const RECORDS = 10_000

const started = performance.now()
const xapi = createClient({
  url, transport, auth: { user: 'root', password: 'bench' }, debounce: 0, watchEvents: watched ? ['VM'] : false,
})

await xapi.connect()
let count
if (watched) {
  await xapi.objectsFetched
  count = Object.values(xapi.objects.all).filter(({ $type }) => $type === 'VM').length
} else {
  count = Object.keys(await xapi.call('VM.get_all_records')).length
}
console.log(((performance.now() - started) / 1000).toFixed(6))
assert.equal(count, RECORDS)
process.exit(0)
