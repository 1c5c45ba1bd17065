/* SPDX-License-Identifier: ISC */
/* keys: made with ssh-keygen for these tests; nobody has the private halves.
 * K_... is the key's base64, FP_... what ssh-keygen -l says of it. */
#ifndef POSTERN_TEST_KEYS_H
#define POSTERN_TEST_KEYS_H

#define T_ED "ssh-ed25519"
#define K_ED \
    "AAAAC3NzaC1lZDI1NTE5AAAAIL3z4owu3LrN2FgaUQnr7OJb4RH3Ply/hrxFOovWUO61"
#define FP_ED "SHA256:w7jv3ALoqd9c2ib3jTXvnK2od8unM/zHq2kOa0wHl5c"
#define T_SKED "sk-ssh-ed25519@openssh.com"
#define K_SKED \
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIL3z4owu3LrN2FgaUQnr7OJb" \
    "4RH3Ply/hrxFOovWUO61AAAABHNzaDo="
#define FP_SKED "SHA256:knDxsDNeup5mD0BAAj4MDmFvBvFVfbodxkiSSciMBZ4"
#define T_P256 "ecdsa-sha2-nistp256"
#define K_P256 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBADoKGKzmipZyKUJ" \
    "m2IZXavohF3lk2hRzGo64ic9s61mOQNaoow1ztQqZvl8g9YF9WR2+HlWL25mwO8EwfUZ" \
    "YK4="
#define FP_P256 "SHA256:uG8ttvGGyXBTv4NWTVkK5MyrsT7NHwjYJmCUR2ylaI8"
#define T_P384 "ecdsa-sha2-nistp384"
#define K_P384 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBHFpqpGJg2lMhfLb" \
    "vzNeQ10pF7GeRekyvcsvWHyjiCA0Q532FzcsVS5sROvFjZzStb0OrdFzI8Fv27L936jR" \
    "vKpUoJn/XqLZTvbonbu8HATU2A8sVglBd96A2snWsvLXRw=="
#define FP_P384 "SHA256:olkHxVnpy+P0TqRPJJaRxpRbSq+gjp14BHgdb2spdCU"
#define T_P521 "ecdsa-sha2-nistp521"
#define K_P521 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAFr0nswv5uX/eE7" \
    "PZ7FRg14bm0SKzeytpTV4c+pqzFLftD4NnP86/kTuPmLh0DkCIg3fE6CYi1ndnyB7A6r" \
    "PUoFogBq7RN0K+8GwN9oUeZY5TIMyRfCYydbWtvQwBVUlP4Q4Xajj7OBgbc5ZC86dt2K" \
    "4PBhL2SwunW+pMx9aTdCjwIPNQ=="
#define FP_P521 "SHA256:qY2aj+rIA35LD9DL7TpphdrneBcz0jF/VLVTPrSzh9Q"
#define T_SKEC "sk-ecdsa-sha2-nistp256@openssh.com"
#define K_SKEC \
    "AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYA" \
    "AABBBADoKGKzmipZyKUJm2IZXavohF3lk2hRzGo64ic9s61mOQNaoow1ztQqZvl8g9YF" \
    "9WR2+HlWL25mwO8EwfUZYK4AAAAEc3NoOg=="
#define FP_SKEC "SHA256:pvSLlyt6gbnhoP+A61xz6Yv/YDkGyaGLJabkJBG9Q0g"
#define T_RSA1 "ssh-rsa"
#define K_RSA1 \
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQCu+SJlP3RoZNypveo93MPwCZmWEi6p45ACeQ/g" \
    "3XoZWJprMwLhFJ+/AMNTr+GN5SHBWbuboSSVR10KY9mc+cHxv0zN6BGdcPs6ggj26OLG" \
    "M/dHI7tgj9g42ucdyWa5/f17RiPIuExpZjI8RdA1wNM/bWBNWqVmLrGCt9doE3EOfw=="
#define FP_RSA1 "SHA256:Vp7Lkn4RhfxOwqaecTeZybhmTHFV4AvwL84UvQzzjwo"
#define T_RSA2 "ssh-rsa"
#define K_RSA2 \
    "AAAAB3NzaC1yc2EAAAADAQABAAABAQDH/C/X0iCFJpq5YA765jhoRK2OeMi+rrJbm1fK" \
    "BQjryBkU3w8AyUauPLzPXHuCnmcRkT0C+Ax1oIyK+E3NLzsNxtdkhYAHUYmNMcc7+mLj" \
    "MV1U6lTZPC6PmcXsCq7nQcSuzYWm5sIcLE+WPWsLgFIRJm2Ai0HEj0oUPeyGeQd4tuwY" \
    "NcfNhKu9o7nNTgBl+XGqfGbteg1fIVh/42o+2ntTXvZed5BqEIoEM/1kM1mBTLG0E9if" \
    "JcXaqLwbjLD/W4c0EaI+BtMGWb+hKF23FstHkmG6yECxUaBnxj3TRFkc60Ts3nX0/xj5" \
    "l7eIh2v2pCnFLt4ECLA28mGx7dTIew7V"
#define FP_RSA2 "SHA256:L1VviDwah+aVqyU7KMi387CvlhYVfV6Kv/6RSWQYwKo"
#define T_DSA "ssh-dss"
#define K_DSA \
    "AAAAB3NzaC1kc3MAAACBALJpV6yOTJgumGIoRJxBXlwpeLiaK/mlGn346u+QZVWyAEHf" \
    "WbVu7TzjQxd6KuktezOYcz+GsYXY8ViTf0OWH6mvZuhoeS/XonC/o9PMbbnknLdC2SRD" \
    "b0c73YdIR4GqxZPChYZNWw0d3yhZ0uDF6Df4oKKqKpozwk2d4hXTfD73AAAAFQDGl/vm" \
    "djwax5t26e+7PuQ5LmruDwAAAIAeIuRk/Axy40ro/SGVr97Y3g/TGjWv3NB/eI1/XYXR" \
    "jgFNjH038sli5jMSnnBpXmDdHt9+Q0gAiURKjiNgmZzCuVeWwiBjxPX42+bhx7dDIWjd" \
    "hhIfennfr/Wj8WB1yLnBXsEqfAs6gK9dg0BBaACWzGlYC4z6vJqQUrIfPjMRRwAAAIAZ" \
    "pLm/z+rj7UlYRrcGjb5zVZkbD6yuqXaUn6gMNHLpDE1Z9W5zwaKIo37MVp58DexdBoNa" \
    "K9LGE+FWqnjK9JTrcn9Zm2AXk882Rf8d7M26nVGEabX1AZlQpSgeTslqGL3YwABVCDGm" \
    "ALqlH8r2PwSI4y9q326XwtCEF/7rjsf2hQ=="
#define T_CERT "ecdsa-sha2-nistp256-cert-v01@openssh.com"
#define K_CERT \
    "AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgvCOn" \
    "RbdjjlZIPpCHIglbmucKJkaiHvVhQiQ/DarUNN8AAAAIbmlzdHAyNTYAAABBBADoKGKz" \
    "mipZyKUJm2IZXavohF3lk2hRzGo64ic9s61mOQNaoow1ztQqZvl8g9YF9WR2+HlWL25m" \
    "wO8EwfUZYK4AAAAAAAAAAAAAAAEAAAABeAAAAAUAAAABdQAAAAAAAAAA//////////8A" \
    "AAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2Vu" \
    "dC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5nAAAAAAAAAApw" \
    "ZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gt" \
    "ZWQyNTUxOQAAACC98+KMLty6zdhYGlEJ6+ziW+ER9z5cv4a8RTqL1lDutQAAAFMAAAAL" \
    "c3NoLWVkMjU1MTkAAABACY9XLQUDRlTyA8I51ue5sNuqcgSVKxN6B878UKaNo8HRKKMq" \
    "JJHkGz0LC8THEu8H6RFef8yAr8kfQBwMSvDUCA=="

#define LINE(n) T_##n " " K_##n

#endif
