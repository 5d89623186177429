#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <string>

namespace zen {

/// Where models come from and where they are kept, as the hub's own tools are told.
struct HubSettings {
    std::string endpoint = "https://huggingface.co"; ///< no slash at the end
    std::string token; ///< sent to the endpoint only; empty: none
    std::filesystem::path cache; ///< the folder with models--org--name folders
    std::filesystem::path ca_file; ///< certificates to trust instead of the system's; may be empty
    bool offline = false;
};

/// Reads HF_ENDPOINT, HF_TOKEN (else HUGGING_FACE_HUB_TOKEN, else the file HF_TOKEN_PATH or `token`
/// in the first of hubHomes()), HF_HUB_CACHE (else HUGGINGFACE_HUB_CACHE, else `hub` in there),
/// HF_HUB_OFFLINE (else TRANSFORMERS_OFFLINE), HF_HUB_DISABLE_IMPLICIT_TOKEN (send no token) and
/// SSL_CERT_FILE (else CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE). Errors: an endpoint that is not http or
/// https, a token that cannot stand in a header, no home folder.
Result<HubSettings> hubSettings();

} // namespace zen
