// A resident with an independent Matrix client that reads and trusts only devices their owner has signed.
// Speaks JSON lines: {"id", "do", …} in; {"id", "value"} or {"id", "fault"} out, {"seen"} for each event of a timeline, in
// order, and {"event"} as soon as it can be read, which may be later than the next.
// Usage: node resident.mjs FOLDER, the folder that holds node_modules.
import { createInterface } from "node:readline";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

for (const name of ["log", "debug", "info", "warn", "error", "trace"]) console[name] = () => {}; // stdout is for the lines
const library = (name) => import(pathToFileURL(join(process.argv[2], "node_modules/matrix-js-sdk/lib", name)).href);
const sdk = await library("index.js");
const { OnlySignedDevicesIsolationMode } = await library("crypto-api/index.js");
const write = (line) => process.stdout.write(JSON.stringify(line) + "\n");
let client;

function show(event) {
  if (event.isBeingDecrypted() || event.status) return; // later, or our own words on their way
  write({
    event: {
      room: event.getRoomId(),
      id: event.getId(),
      sender: event.getSender(),
      kind: event.getType(),
      content: event.getContent(),
      unreadable: event.isDecryptionFailure(),
      encrypted: event.isEncrypted(),
    },
  });
}

const commands = {
  async begin({ url, user, device, token }) {
    client = sdk.createClient({ baseUrl: url, userId: user, deviceId: device, accessToken: token });
    await client.initRustCrypto({ useIndexedDB: false });
    client.getCrypto().setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
    client.on(sdk.RoomEvent.Timeline, (event) => {
      write({ seen: event.getId() });
      if (!event.isEncrypted() || event.getClearContent()) show(event);
    });
    client.on(sdk.MatrixEventEvent.Decrypted, show);
    const ready = new Promise((done) => client.on(sdk.ClientEvent.Sync, (state) => state === "PREPARED" && done()));
    await client.startClient({ initialSyncLimit: 50 });
    await ready;
    // Who asks others for signed devices has signed their own.
    await client.getCrypto().bootstrapCrossSigning({ authUploadDeviceSigningKeys: (request) => request(null) });
  },
  async invite({ user, encrypted }) {
    const secret = { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };
    const made = await client.createRoom({
      preset: "trusted_private_chat",
      is_direct: true,
      invite: [user],
      initial_state: encrypted ? [secret] : [],
    });
    return made.room_id;
  },
  async send({ room, kind, content }) {
    return (await client.sendEvent(room, kind, content)).event_id;
  },
  async join({ room }) {
    await client.joinRoom(room);
  },
  async leave({ room }) {
    await client.leave(room);
  },
  async redact({ room, event }) {
    await client.redactEvent(room, event);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...given } = JSON.parse(line);
  commands[name](given).then(
    (value) => write({ id, value: value ?? null }),
    (fault) => write({ id, fault: String(fault) }),
  );
}
process.exit(0);
