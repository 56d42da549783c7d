// Loaded into Node clients that have no switch for calling home and take no proxy: names other than
// this machine's do not resolve, and the attempt is written to the file named in REFUSED_HOSTS.
const dns = require("node:dns");
const fs = require("node:fs");

const lookup = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (name === "localhost" || name === "127.0.0.1") return lookup(name, options, callback);
  fs.appendFileSync(process.env.REFUSED_HOSTS, `${name}\n`);
  const error = Object.assign(new Error(`no such host here: ${name}`), { code: "ENOTFOUND" });
  return process.nextTick(typeof options === "function" ? options : callback, error);
};
