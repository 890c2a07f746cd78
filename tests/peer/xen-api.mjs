// The npm package `xen-api`, Xen Orchestra's client, on a simulated pool: JSON-RPC over verified TLS.
// test_xen_api.py starts the pools and this, and tells in the environment where all is.

import { createRequire } from 'node:module'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import assert from 'node:assert/strict'

const { createClient } = await import(pathToFileURL(process.env.HVD_PEER_CLIENT))
const { CancelToken } = createRequire(process.env.HVD_PEER_CLIENT)('promise-toolbox') // as the client has it
const { quick, slow, stranger } = JSON.parse(process.env.HVD_PEER_POOLS)
const PACE = 1001 // seconds until the slow pool has done something
const MIB = 1 << 20
const NULL = 'OpaqueRef:NULL'

// ---- the client ----

function makeClient({ pool = quick, ...options }) {
  return createClient({
    url: pool.url,
    auth: { user: 'root', password: readFileSync(pool.password_file, 'ascii') },
    transport: 'json-rpc',
    debounce: 0, // milliseconds between two batches of events
    ...options,
  })
}

// The simulator's control socket: one command, one answer.
async function control(pool, command) {
  const socket = createConnection(pool.control)
  let answer = ''

  socket.setEncoding('utf8').write(JSON.stringify(command) + '\n')
  while (!answer.endsWith('\n')) {
    answer += (await once(socket, 'data'))[0]
  }
  socket.destroy()
  assert.equal(JSON.parse(answer).ok, true, answer)
}

async function withClient(options, use) {
  const xapi = makeClient(options)

  await xapi.connect()
  await xapi.objectsFetched
  try {
    await use(xapi)
  } finally {
    await xapi.disconnect()
  }
}

const CHANGES = ['add', 'update', 'remove']

// Until what the client knows through events is so.
function until(xapi, isSo) {
  return new Promise(resolve => {
    const look = () => {
      if (isSo()) {
        CHANGES.forEach(name => xapi.objects.removeListener(name, look))
        resolve()
      }
    }

    CHANGES.forEach(name => xapi.objects.on(name, look))
    look()
  })
}

const known = (xapi, ref) => xapi.getObjectByRef(ref, undefined)
const untilIs = (xapi, ref, member, value) => until(xapi, () => known(xapi, ref)?.[member] === value)
const untilGone = (xapi, ref) => until(xapi, () => known(xapi, ref) === undefined)

// What the events say of an object's member, in order, without repetitions.
function follow(xapi, ref, member) {
  const seen = []
  const note = () => {
    const value = known(xapi, ref)?.[member] ?? 'gone'
    if (seen.at(-1) !== value) {
      seen.push(value)
    }
  }

  CHANGES.forEach(name => xapi.objects.on(name, note))
  note()
  return seen
}

async function makeDisk(xapi, more) {
  return xapi.call('VDI.create', {
    name_label: 'disk', SR: xapi.pool.default_SR, virtual_size: 8 * MIB, type: 'user', sharable: false,
    read_only: false, other_config: {}, ...more,
  })
}

async function makeMachine(xapi, name, more) {
  const vm = await xapi.call('VM.create', {
    name_label: name, name_description: '', user_version: 0, is_a_template: false, affinity: NULL,
    memory_static_max: 256 * MIB, memory_static_min: 0, memory_dynamic_max: 256 * MIB,
    memory_dynamic_min: 256 * MIB, VCPUs_params: {}, VCPUs_max: 2, VCPUs_at_startup: 2,
    actions_after_shutdown: 'destroy', actions_after_reboot: 'restart', actions_after_crash: 'destroy',
    PV_bootloader: '', PV_kernel: '', PV_ramdisk: '', PV_args: '', PV_bootloader_args: '',
    PV_legacy_args: '', HVM_boot_policy: 'BIOS order', HVM_boot_params: { order: 'dc' },
    platform: { acpi: 'true' }, PCI_bus: '', recommendations: '', other_config: {}, xenstore_data: {},
    ...more,
  })
  const vdi = await makeDisk(xapi)
  const vbd = await xapi.call('VBD.create', {
    VM: vm, VDI: vdi, userdevice: '0', bootable: true, mode: 'RW', type: 'Disk', unpluggable: true,
    empty: false, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {},
  })
  return { vm, vdi, vbd }
}

// ---- tests ----

// Created, started, stopped and destroyed; events tell each step.
function lifeOfAMachine(transport) {
  return withClient({ transport }, async xapi => {
    const { vm, vdi, vbd } = await makeMachine(xapi, `by ${transport}`)
    const created = await xapi.barrier(vm)
    assert.equal(created.name_label, `by ${transport}`)
    assert.equal(created.$VBDs[0].$VDI.$ref, vdi)
    assert.equal(Number(created.memory_static_max), 256 * MIB)

    const states = follow(xapi, vm, 'power_state')
    await xapi.callAsync('VM.start', vm, false, false)
    await untilIs(xapi, vm, 'power_state', 'Running')
    await untilIs(xapi, vbd, 'currently_attached', true)
    assert.equal(known(xapi, vm).$resident_on.$type, 'host')

    await xapi.call('VM.hard_shutdown', vm)
    await untilIs(xapi, vm, 'power_state', 'Halted')
    await xapi.call('VM.destroy', vm)
    await xapi.call('VDI.destroy', vdi)
    await Promise.all([vm, vbd, vdi].map(ref => untilGone(xapi, ref)))
    // A machine that stops is Paused for a moment, which a batch of events may show (verified-sequences 1.1).
    assert.deepEqual(states.filter(state => state !== 'Paused'), ['Halted', 'Running', 'Halted', 'gone'])
    assert.deepEqual(await failureOf(xapi.call('VM.get_record', vm)), ['HANDLE_INVALID', 'VM', vm])
  })
}

// The way of Xen Orchestra: a template is cloned, changed, provisioned.
function cloneOfATemplate() {
  return withClient({}, async xapi => {
    const { vm: template } = await makeMachine(xapi, 'template', { is_a_template: true })
    const vm = await xapi.callAsync('VM.clone', template, 'cloned')
    const record = await xapi.barrier(vm)
    await record.set_name_description('of a template')
    await record.update_other_config('key', 'first')
    await record.update_other_config('key', 'second')
    await record.add_tags('tag')
    await xapi.callAsync('VM.provision', vm)
    await record.set_is_a_template(false)

    const now = await xapi.barrier(vm)
    assert.deepEqual([now.name_description, now.other_config.key, now.tags, now.is_a_template, now.$VBDs.length],
      ['of a template', 'second', ['tag'], false, 1])
    await now.$callAsync('start', true, false)
    await untilIs(xapi, vm, 'power_state', 'Paused')
  })
}

// What XenAPI's failure is to the client: [code, ...parameters].
async function failureOf(promise) {
  try {
    await promise
  } catch (error) {
    if (error.code === undefined) {
      throw error
    }
    return [error.code, ...error.params]
  }
  assert.fail('a failure was expected')
}

async function failures() {
  const unwelcome = makeClient({ auth: { user: 'root', password: 'wrong' } })
  assert.deepEqual(await failureOf(unwelcome.connect()),
    ['SESSION_AUTHENTICATION_FAILED', 'root', 'Authentication failure'])
  assert.equal(unwelcome.status, 'disconnected')

  await withClient({}, async xapi => {
    const { vm } = await makeMachine(xapi, 'halted')
    const refusal = ['VM_BAD_POWER_STATE', vm, 'paused, suspended, running', 'halted']
    assert.deepEqual(await failureOf(xapi.call('VM.hard_shutdown', vm)), refusal)
    assert.deepEqual(await failureOf(xapi.callAsync('VM.hard_shutdown', vm)), refusal)
    assert.deepEqual(await failureOf(xapi.call('VM.nonsense', vm)), ['MESSAGE_METHOD_UNKNOWN', 'VM.nonsense'])
  })
}

// A pool whose authority nobody told the client of.
async function untrusted() {
  await assert.rejects(makeClient({ pool: stranger }).connect(), { code: /^(UNABLE_TO_VERIFY|SELF_SIGNED)/ })
}

// The client goes on where a member sends it.
function member() {
  const [coordinator, other] = quick.nodes.map(node => node.address)
  const url = quick.url.replace(coordinator, other)

  assert.notEqual(url, quick.url)
  return withClient({ url }, async xapi => {
    assert.equal((await xapi.getAllRecords('host')).length, 2)
    assert.equal(xapi.getObjectByRef(xapi.pool.master).address, coordinator)
  })
}

function objects() {
  return withClient({ pool: slow }, async xapi => {
    for (const type of ['host', 'SR', 'PBD', 'network', 'PIF', 'VM']) {
      const records = await xapi.getAllRecords(type)
      assert.ok(records.length > 0)
      for (const record of records) {
        assert.deepEqual({ ...xapi.getObjectByUuid(record.uuid) }, { ...record })
        assert.equal((await xapi.getRecordByUuid(type, record.uuid)).$ref, record.$ref)
      }
    }
  })
}

// A session that has ended and a toolstack that begins anew: the client logs in again, and events go on.
function interruptions() {
  return withClient({ eventPollDelay: 1, roCallRetryOptions: { delay: 1 } }, async xapi => {
    for (const command of [{ cmd: 'clock', advance: 25 * 3600 }, { cmd: 'restart' }]) {
      const session = xapi.sessionId
      await control(quick, command)
      assert.equal((await xapi.getAllRecords('host')).length, 2) // reads are repeated, other calls are not
      const vdi = await makeDisk(xapi)
      await until(xapi, () => known(xapi, vdi) !== undefined)
      await xapi.barrier()
      assert.notEqual(xapi.sessionId, session)
    }
  })
}

// ---- tasks ----

function cancelled() {
  return withClient({ pool: slow }, async xapi => {
    const { vm } = await makeMachine(xapi, 'not to be')
    const { cancel, token } = CancelToken.source()
    const starting = xapi.callAsync(token, 'VM.start', vm, false, false)
    const task = () => Object.values(xapi.objects.all).find(({ name_label: name }) => name === 'Async.VM.start')
    const ended = assert.rejects(starting, { message: 'task canceled' })

    await until(xapi, () => task() !== undefined)
    cancel()
    await until(xapi, () => Object.values(task().current_operations).includes('cancel'))
    await control(slow, { cmd: 'clock', advance: PACE })
    await ended
    await until(xapi, () => task() === undefined) // the client destroys it
    assert.equal((await xapi.barrier(vm)).power_state, 'Halted')
  })
}

// ---- bytes ----

const bytesOf = async response => Buffer.from(await response.body.arrayBuffer())

async function upload(xapi, body, vdi, format) {
  return xapi.putResource(body, '/import_raw_vdi/', { query: { vdi, format } })
}

async function download(xapi, vdi, format) {
  const response = await xapi.getResource('/export_raw_vdi/', { query: { vdi, format } })
  const bytes = await bytesOf(response)
  await response.task
  return bytes
}

// On each storage: what only the second node sees is reached through a redirect.
function transfers() {
  return withClient({}, async xapi => {
    const storages = (await xapi.getAllRecords('SR')).filter(({ type }) => ['ext', 'nfs'].includes(type))
    assert.equal(storages.length, 3)
    for (const { $ref: SR } of storages) {
      const content = randomBytes(4 * MIB)
      const vdi = await makeDisk(xapi, { SR, virtual_size: content.length })
      await upload(xapi, Object.assign(Readable.from([content]), { length: content.length }), vdi, 'raw')
      assert.ok(content.equals(await download(xapi, vdi, 'raw')), 'other bytes')
    }
  })
}

function vhd() {
  return withClient({}, async xapi => {
    const content = randomBytes(4 * MIB)
    const [first, second] = [await makeDisk(xapi), await makeDisk(xapi)]
    await upload(xapi, content, first, 'raw')
    const bytes = await download(xapi, first, 'vhd')
    assert.equal(bytes.subarray(-512, -504).toString(), 'conectix')
    await upload(xapi, bytes, second, 'vhd')
    const back = await download(xapi, second, 'raw')
    assert.ok(content.equals(back.subarray(0, content.length)), 'other bytes')
    assert.ok(back.subarray(content.length).every(byte => byte === 0), 'more than there was')
  })
}

// ---- TAP ----

const tests = {
  'life-of-a-machine': () => lifeOfAMachine('json-rpc'),
  'life-of-a-machine-xml': () => lifeOfAMachine('xml-rpc'),
  'clone-of-a-template': cloneOfATemplate,
  failures,
  untrusted,
  member,
  objects,
  interruptions,
  cancelled,
  transfers,
  vhd,
}

console.log(`TAP version 13\n1..${Object.keys(tests).length}`)
for (const [index, [name, test]] of Object.entries(tests).entries()) {
  try {
    await test()
    console.log(`ok ${index + 1} /peer/xen-api/${name}`)
  } catch (error) {
    process.exitCode = 1
    console.log(String(error?.stack ?? error).replace(/^/gm, '# '))
    console.log(`not ok ${index + 1} /peer/xen-api/${name}`)
  }
}
