// The Kubernetes manifests against the schemas of its API, offline: each document parses, is of
// a known kind, and validates; what kustomization.yaml names is there; every pod is allowed in a
// namespace of the "restricted" standard. Prints "N passed, N failed".
//
//   NODE_PATH=.../node_modules node manifests.cjs FOLDER
const fs = require("fs");
const path = require("path");
const yaml = require("js-yaml");

const folder = process.argv[2];
let passed = 0, failed = 0;

function check(ok, text) {
    if (ok) {
        passed++;
    } else {
        failed++;
        console.log("failed: " + text);
    }
}

function kindClass(document) {
    const [group, version] = document.apiVersion.includes("/")
        ? document.apiVersion.split("/") : ["", document.apiVersion];
    return require("kubernetes-models/" + (group ? group + "/" : "") + version)[document.kind];
}

function restricted(document, name) {
    const pod = document.spec.template.spec;
    check(pod.securityContext.runAsNonRoot === true &&
          pod.securityContext.seccompProfile.type === "RuntimeDefault" &&
          pod.automountServiceAccountToken === false, name + ": the pod's security");
    for (const c of pod.containers)
        check(c.securityContext.allowPrivilegeEscalation === false &&
              c.securityContext.readOnlyRootFilesystem === true &&
              c.securityContext.capabilities.drop.includes("ALL") &&
              c.resources.limits.memory, name + ": the container's security");
}

function validate(document, file) {
    const name = `${file}: ${document.kind} ${document.metadata.name}`;
    const Kind = kindClass(document);
    check(Kind, name + ": no such kind");
    if (!Kind)
        return;
    try {
        new Kind(document).validate();
        check(true, name);
    } catch (e) {
        check(false, `${name}: ${e.message}`);
    }
    if (document.kind === "Deployment")
        restricted(document, name);
}

const top = yaml.load(fs.readFileSync(path.join(folder, "kustomization.yaml"), "utf8"));
check(top.kind === "Kustomization" && top.resources.length > 0, "kustomization.yaml");
for (const file of top.resources) {
    const documents = yaml.loadAll(fs.readFileSync(path.join(folder, file), "utf8"));
    check(documents.length > 0, file + ": empty");
    for (const document of documents)
        validate(document, file);
}
const files = fs.readdirSync(folder).filter((f) => f.endsWith(".yaml"));
for (const file of files)
    check(file === "kustomization.yaml" || file === "prometheus-adapter.yaml" ||
          top.resources.includes(file), file + ": not in kustomization.yaml");
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
